package wechat

import (
	"testing"

	"saoma/backend/pay"
)

// The bills of this file are real: they were published with the tests of other clients.

const (
	allColumns = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行," +
		"货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称," +
		"商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
	sumColumns = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)

// hashedBill is of 2021-01-28 and was published with its SHA-1 (gunsluo/wechatpay-go).
var hashedBill = []string{
	allColumns,
	"`2021-01-28 17:07:11,`wx81be3101902f7cb2,`1601959334,`0,`,`4200000925202101284997714292,`S20210128170702357723," +
		"`ofyak5qR_1wYsC99CsWA6R9MJazA,`NATIVE,`SUCCESS,`OTHERS,`CNY,`0.01,`0.00,`0,`0,`0.00,`0.00,`,`,`for testing," +
		"`cipher code,`0.00000,`1.00%,`0.01,`0.00,`",
	"`2021-01-28 15:35:18,`wx81be3101902f7cb2,`1601959334,`0,`,`4200000910202101282955148400,`S20210128153505214586," +
		"`ofyak5qR_1wYsC99CsWA6R9MJazA,`NATIVE,`SUCCESS,`OTHERS,`CNY,`0.01,`0.00,`0,`0,`0.00,`0.00,`,`,`for testing," +
		"`cipher code,`0.00000,`1.00%,`0.01,`0.00,`",
	"`2021-01-28 16:59:46,`wx81be3101902f7cb2,`1601959334,`0,`,`4200000926202101281412639609,`S20210128165824499930," +
		"`ofyak5qR_1wYsC99CsWA6R9MJazA,`NATIVE,`SUCCESS,`OTHERS,`CNY,`0.01,`0.00,`0,`0,`0.00,`0.00,`,`,`for testing," +
		"`cipher code,`0.00000,`1.00%,`0.01,`0.00,`",
	sumColumns,
	"`3,`0.03,`0.00,`0.00,`0.00000,`0.03,`0.00",
}

func hashedRows() []pay.BillRow {
	row := func(time, transactionID, outTradeNo string) pay.BillRow {
		return pay.BillRow{
			At: at(time), AppID: "wx81be3101902f7cb2", MchID: billMchID, TransactionID: transactionID,
			OutTradeNo: outTradeNo, Total: 1,
		}
	}
	return []pay.BillRow{
		row("2021-01-28 17:07:11", "4200000925202101284997714292", "S20210128170702357723"),
		row("2021-01-28 15:35:18", "4200000910202101282955148400", "S20210128153505214586"),
		row("2021-01-28 16:59:46", "4200000926202101281412639609", "S20210128165824499930"),
	}
}

// allBill has a payment and a refund, and states its 45 rows in its own way; most of them were not published
// (wechatpay-php).
var allBill = []string{
	allColumns,
	"`2019-02-19 01:51:59,`wxab8acd895ab1638a,`1921000401,`0,`,`4200000263201902167700136502," +
		"`autotest_20190219015157_13391,`wxab8acd865bb1637e,`NATIVE,`SUCCESS,`OTHERS,`CNY,`0.03,`0.01,`0,`0,`0.00," +
		"`0.00,`,`,`autotest,`,`0.01000,`39.00%,`0.03,`0.00,`",
	"`2019-02-19 05:01:46,`wxab8acd895ab1638a,`1921000401,`0,`harryma007,`4200000263201902167700134212," +
		"`autotest_20190216081946_82335,`oHkLxtx0vUqe-18p_AXTZ1innxkCY,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00," +
		"`50000709672019011908420787722,`REF4200000263201902167700963919,`0.01,`0.00,`ORIGINAL,`SUCCESS," +
		"`系统拨测-cheeryin-test_micropay_succ,`,`0.00000,`39.00%,`0.00,`0.01,`",
	sumColumns,
	"`45.0,`0.47,`0.14,`0.0,`0.08,`0.47,`0.14",
}

// successBill and refundBill are of other kinds than we ask for (gunsluo/wechatpay-go).
var successBill = []string{
	"交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类," +
		"应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注",
	"`2021-02-01 14:38:45,`wx81be3101902f7cb2,`1601959334,`0,`,`4200000922202102014836880592,`S20210201143829466741," +
		"`ofyak5lCyFIsihOYEX0Zx9smR0g0,`NATIVE,`SUCCESS,`OTHERS,`CNY,`0.01,`0.00,`for testing,`cipher code,`0.00000," +
		"`1.00%,`0.01,`",
	sumColumns,
	"`1,`0.01,`0.00,`0.00,`0.00000,`0.01,`0.00",
}

var refundBill = []string{
	"交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类," +
		"应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型," +
		"退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注",
	"`2021-01-24 16:16:25,`wx81be3101902f7cb2,`1601959334,`0,`,`4200000844202101245866928772,`S20210124161554311546," +
		"`ofyak5qR_1wYsC99CsWA6R9MJazA,`NATIVE,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`2021-02-01 14:33:21," +
		"`2021-02-01 14:33:24,`50300807172021020106006664916,`S20210201143320649393,`0.01,`0.00,`ORIGINAL,`SUCCESS," +
		"`for testing,`cipher code,`0.00000,`1.00%,`0.00,`0.01,`",
	sumColumns,
	"`2,`0.00,`0.02,`0.00,`0.00000,`0.00,`0.02",
}

var fundBill = []string{
	"记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注," +
		"业务凭证号",
	"`2021-02-01 13:54:01,`50300806962021020105978994968,`4200000920202101197964319284,`退款,`退款,`支出,`0.01,`0.22," +
		"`1601959334API,`退款总金额0.01元;含手续费0.00元,`S20210201135356381941",
	"资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额",
	"`3,`1,`0.01,`2,`0.02",
}

// TestBillHash holds this file against the hash that WeChat Pay gave.
func TestBillHash(t *testing.T) {
	t.Parallel()
	if got, want := sha1Of(bill(hashedBill...)), "dcd7ceb3d382a1181798368bb15d8437de46c00f"; got != want {
		t.Errorf("SHA-1 %s, want %s", got, want)
	}
}
