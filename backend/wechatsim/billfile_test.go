package wechatsim

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// The published bills are of this merchant.
func publishedLayout(kind tradeKind) tradeLayout {
	return tradeLayout{kind: kind, appID: "wx81be3101902f7cb2", mchID: "1601959334"}
}

// at reads a time as bills write it.
func at(t *testing.T, value string) time.Time {
	t.Helper()
	got, err := time.ParseInLocation(time.DateTime, value, beijing())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// publishedRow is a payment of one fen.
func publishedRow(t *testing.T, paidAt, transactionID, outTradeNo, openID string) tradeRow {
	t.Helper()
	return tradeRow{paidAt: at(t, paidAt), transactionID: transactionID, outTradeNo: outTradeNo, openID: openID,
		description: "for testing", attach: "cipher code", total: 1, fee: feeOf(1)}
}

func tradeFile(t *testing.T, l tradeLayout, rows ...tradeRow) string {
	t.Helper()
	var b bytes.Buffer
	n, err := writeTrades(&b, l, slices.Values(rows))
	if err != nil || n != int64(len(rows)) {
		t.Fatalf("%d rows, want %d: %v", n, len(rows), err)
	}
	return b.String()
}

// A real bill whose SHA-1 WeChat Pay published: it matches only with BOM, CRLF and a final CRLF.
func TestPublishedBill(t *testing.T) {
	t.Parallel()
	const payer = "ofyak5qR_1wYsC99CsWA6R9MJazA"
	file := tradeFile(t, publishedLayout(kindAll),
		publishedRow(t, "2021-01-28 17:07:11", "4200000925202101284997714292", "S20210128170702357723", payer),
		publishedRow(t, "2021-01-28 15:35:18", "4200000910202101282955148400", "S20210128153505214586", payer),
		publishedRow(t, "2021-01-28 16:59:46", "4200000926202101281412639609", "S20210128165824499930", payer))
	sum := sha1.Sum([]byte(file))
	if got := hex.EncodeToString(sum[:]); got != "dcd7ceb3d382a1181798368bb15d8437de46c00f" {
		t.Errorf("SHA-1 %s of\n%s", got, file)
	}
}

// wantFile compares a bill line by line.
func wantFile(t *testing.T, got string, want ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(got, "\ufeff"), "\r\n")
	if !strings.HasPrefix(got, "\ufeff") || lines[len(lines)-1] != "" {
		t.Errorf("the file has no BOM or no final CRLF: %q", got)
	}
	lines = lines[:len(lines)-1]
	for i := range max(len(lines), len(want)) {
		if i >= len(lines) || i >= len(want) || lines[i] != want[i] {
			t.Fatalf("line %d of\n%s\nwant\n%s", i, strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	}
}

// The headers as they were published.
const (
	allHeader     = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
	successHeader = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注"
	refundHeader  = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
	summaryHeader = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
	flowHeader    = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
	flowSummary   = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
)

func TestPublishedSuccessBill(t *testing.T) {
	t.Parallel()
	file := tradeFile(t, publishedLayout(kindSuccess), publishedRow(t, "2021-02-01 14:38:45",
		"4200000922202102014836880592", "S20210201143829466741", "ofyak5lCyFIsihOYEX0Zx9smR0g0"))
	wantFile(t, file, successHeader,
		"`2021-02-01 14:38:45,`wx81be3101902f7cb2,`1601959334,`0,`,`4200000922202102014836880592,`S20210201143829466741,`ofyak5lCyFIsihOYEX0Zx9smR0g0,`NATIVE,`SUCCESS,`OTHERS,`CNY,`0.01,`0.00,`for testing,`cipher code,`0.00000,`1.00%,`0.01,`",
		summaryHeader, "`1,`0.01,`0.00,`0.00,`0.00000,`0.01,`0.00")
}

// publishedRefund is a refund of one fen.
func publishedRefund(t *testing.T) tradeRow {
	t.Helper()
	r := publishedRow(t, "2021-01-24 16:16:25", "4200000844202101245866928772", "S20210124161554311546",
		"ofyak5qR_1wYsC99CsWA6R9MJazA")
	r.refundID, r.outRefundNo, r.amount = "50300807172021020106006664916", "S20210201143320649393", 1
	r.acceptedAt, r.succeededAt, r.refundStatus = at(t, "2021-02-01 14:33:21"), at(t, "2021-02-01 14:33:24"), "SUCCESS"
	return r
}

func TestPublishedRefundBill(t *testing.T) {
	t.Parallel()
	refund := publishedRefund(t)
	row := "`2021-01-24 16:16:25,`wx81be3101902f7cb2,`1601959334,`0,`,`4200000844202101245866928772,`S20210124161554311546,`ofyak5qR_1wYsC99CsWA6R9MJazA,`NATIVE,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`2021-02-01 14:33:21,`2021-02-01 14:33:24,`50300807172021020106006664916,`S20210201143320649393,`0.01,`0.00,`ORIGINAL,`SUCCESS,`for testing,`cipher code,`0.00000,`1.00%,`0.00,`0.01,`"
	file := tradeFile(t, publishedLayout(kindRefund), refund, refund)
	wantFile(t, file, refundHeader, row, row, summaryHeader, "`2,`0.00,`0.02,`0.00,`0.00000,`0.00,`0.02")
	// The same refund in an ALL bill is dated by itself, and has no times of its own.
	all := "`2021-02-01 14:33:21,`wx81be3101902f7cb2,`1601959334,`0,`,`4200000844202101245866928772,`S20210124161554311546,`ofyak5qR_1wYsC99CsWA6R9MJazA,`NATIVE,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`50300807172021020106006664916,`S20210201143320649393,`0.01,`0.00,`ORIGINAL,`SUCCESS,`for testing,`cipher code,`0.00000,`1.00%,`0.00,`0.01,`"
	wantFile(t, tradeFile(t, publishedLayout(kindAll), refund), allHeader, all, summaryHeader,
		"`1,`0.00,`0.01,`0.00,`0.00000,`0.00,`0.01")
}

func TestSummaryOfPaymentsAndRefunds(t *testing.T) {
	t.Parallel()
	paid := tradeRow{total: 123456, fee: 1235}
	refund := tradeRow{refundID: "1", total: 123456, amount: 150, fee: -2}
	lines := strings.Split(tradeFile(t, publishedLayout(kindAll), paid, paid, refund), "\r\n")
	if lines[5] != "`3,`2469.12,`1.50,`0.00,`24.68000,`2469.12,`1.50" {
		t.Errorf("summary %s", lines[5])
	}
	if !strings.Contains(lines[1], ",`12.35000,`1.00%,`1234.56,`0.00,`") ||
		!strings.Contains(lines[3], ",`-0.02000,`1.00%,`0.00,`1.50,`") {
		t.Errorf("rows\n%s\n%s", lines[1], lines[3])
	}
	lines = strings.Split(tradeFile(t, publishedLayout(kindRefund), refund), "\r\n")
	if lines[3] != "`1,`0.00,`1.50,`0.00,`-0.02000,`0.00,`1.50" {
		t.Errorf("summary %s", lines[3])
	}
	short := publishedLayout(kindSuccess)
	short.short = true
	lines = strings.Split(tradeFile(t, short, paid, paid), "\r\n")
	if lines[3] != "总交易单数,应结订单总金额,手续费总金额,订单总金额" || lines[4] != "`2,`2469.12,`24.70000,`2469.12" {
		t.Errorf("4 fields: %s %s", lines[3], lines[4])
	}
}

// Old bills have other names and lack the last three columns.
func TestOldLayout(t *testing.T) {
	t.Parallel()
	rename := strings.NewReplacer("应结订单金额", "总金额", "代金券金额", "企业红包金额", ",订单金额", "", ",申请退款金额", "",
		",费率备注", "")
	for kind, header := range map[tradeKind]string{kindAll: allHeader, kindSuccess: successHeader,
		kindRefund: refundHeader} {
		l := publishedLayout(kind)
		l.old = true
		lines := strings.Split(strings.TrimPrefix(tradeFile(t, l, publishedRefund(t)), "\ufeff"), "\r\n")
		if lines[0] != rename.Replace(header) {
			t.Errorf("header %s", lines[0])
		}
		titles, values := strings.Count(lines[0], ",")+1, strings.Count(lines[1], ",`")+1
		if titles != values || !strings.HasSuffix(lines[1], ",`1.00%") {
			t.Errorf("%d values in %s, want %d", values, lines[1], titles)
		}
	}
}

func TestEscapesOfMerchantText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, payment, refund string }{
		{"拿铁 & Co.", "拿铁 & Co.", "拿铁 & Co."},
		{`a\b`, `a\\b`, `a\\b`},
		{"a,b", `a\ b`, `a\ b`},
		{"a\nb\rc\td", `a\nb\rc\td`, `a\nb\rc\td`},
		{`"a"`, `\"a\"`, `\"a\"`},
		{"it's", `it\'s`, "it's"},
		{"a`b", "a\\`b", `a\140b`},
		{"a\ue000b", `a\ b`, `a\ b`},
		{"a\x1ab", "a\\\x1ab", "a\\\x1ab"},
		{"a,`b", "a\\ \\`b", `a\ \140b`}, // the separator itself
	} {
		payment := tradeRow{description: c.text, attach: c.text, deviceID: c.text}
		refund := payment
		refund.refundID = "1"
		for want, row := range map[string]tradeRow{c.payment: payment, c.refund + "\x00": refund} {
			want = strings.TrimSuffix(want, "\x00")
			line := strings.Split(tradeFile(t, publishedLayout(kindAll), row), "\r\n")[1]
			values := strings.Split(line[1:], ",`")
			if len(values) != 27 || values[4] != want || values[20] != want || values[21] != want {
				t.Errorf("%q is written %q in %d values, want %q", c.text, values[20], len(values), want)
			}
		}
	}
}

func TestYuan(t *testing.T) {
	t.Parallel()
	for fen, want := range map[int64]string{0: "0.00", 1: "0.01", 10: "0.10", 99: "0.99", 100: "1.00",
		123456: "1234.56", -1: "-0.01", -250: "-2.50", 9_007_199_254_740_993: "90071992547409.93"} {
		if got := yuan(fen); got != want {
			t.Errorf("%d fen are %s yuan, want %s", fen, got, want)
		}
		if got := string(appendFee(nil, fen)); got != want+"000" {
			t.Errorf("a fee of %d fen is %s", fen, got)
		}
	}
}

// The published refund row: 0.01 yuan out, 0.22 left.
func TestPublishedFlow(t *testing.T) {
	t.Parallel()
	r := refund{fee: 0, Refund: Refund{OutRefundNo: "S20210201135356381941", RefundID: "50300806962021020105978994968",
		TransactionID: "4200000920202101197964319284", Amount: 1, CreatedAt: at(t, "2021-02-01 13:54:01")}}
	out := r.flow(23)
	in := flowRow{at: out.at, businessNo: "42", transactionID: "42", what: "交易", amount: 1, balance: 1, voucher: "S1"}
	var b bytes.Buffer
	if n, err := writeFlows(&b, "1601959334", false, slices.Values([]flowRow{out, out, in})); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	row := "`2021-02-01 13:54:01,`50300806962021020105978994968,`4200000920202101197964319284,`退款,`退款,`支出,`0.01,`0.22,`1601959334API,`退款总金额0.01元;含手续费0.00元,`S20210201135356381941"
	wantFile(t, b.String(), flowHeader, row, row,
		"`2021-02-01 13:54:01,`42,`42,`交易,`交易,`收入,`0.01,`0.01,`1601959334API,`,`S1", flowSummary,
		"`3,`1,`0.01,`2,`0.02")
	b.Reset()
	if _, err := writeFlows(&b, "1", true, slices.Values([]flowRow{})); err != nil {
		t.Fatal(err)
	}
	wantFile(t, b.String(), strings.NewReplacer("(", "（", ")", "）").Replace(flowHeader), flowSummary,
		"`0,`0,`0.00,`0,`0.00")
}

// A brokenPipe takes n bytes.
type brokenPipe struct{ n int }

var errBroken = errors.New("broken pipe")

func (p *brokenPipe) Write(b []byte) (int, error) {
	if len(b) > p.n {
		return 0, errBroken
	}
	p.n -= len(b)
	return len(b), nil
}

// Who goes away in the middle ends the writing: the rest is not made.
func TestBrokenDownload(t *testing.T) {
	t.Parallel()
	made := 0
	rows := func(yield func(tradeRow) bool) {
		for made = range 100_000 {
			if !yield(tradeRow{}) {
				return
			}
		}
	}
	_, err := writeTrades(&brokenPipe{200 << 10}, publishedLayout(kindAll), rows)
	if !errors.Is(err, errBroken) || made > 5000 {
		t.Errorf("%d rows made: %v", made, err)
	}
	flows := func(yield func(flowRow) bool) {
		for made = range 100_000 {
			if !yield(flowRow{}) {
				return
			}
		}
	}
	if _, err := writeFlows(&brokenPipe{200 << 10}, "1", false, flows); !errors.Is(err, errBroken) || made > 5000 {
		t.Errorf("%d rows made: %v", made, err)
	}
	for _, n := range []int{0, 100} {
		none := slices.Values([]tradeRow{})
		if _, err := writeTrades(&brokenPipe{n}, publishedLayout(kindAll), none); !errors.Is(err, errBroken) {
			t.Errorf("%d bytes taken: %v", n, err)
		}
		if _, err := writeFlows(&brokenPipe{n}, "1", false, slices.Values([]flowRow{})); !errors.Is(err, errBroken) {
			t.Errorf("%d bytes taken: %v", n, err)
		}
	}
}
