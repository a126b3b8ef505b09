package wechat

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"saoma/backend/pay"
)

func readRows(text []byte, mchID string) ([]pay.BillRow, pay.BillSums, error) {
	var rows []pay.BillRow
	sums, err := readTrades(bytes.NewReader(text), Account{MchID: mchID}, func(r pay.BillRow) error {
		rows = append(rows, r)
		return nil
	})
	return rows, sums, err
}

// column replaces a column's field in a row.
func column(lines []string, row int, name, value string) []string {
	lines = append([]string{}, lines...)
	for i, n := range strings.Split(lines[0], ",") {
		if n == name {
			fields := strings.Split(lines[row], ",`")
			fields[i] = value
			if i == 0 {
				fields[i] = "`" + value
			}
			lines[row] = strings.Join(fields, ",`")
		}
	}
	return lines
}

// without leaves out a column of rows and header.
func without(lines []string, name string) []string {
	lines = append([]string{}, lines...)
	names := strings.Split(lines[0], ",")
	for i, n := range names {
		if n != name {
			continue
		}
		lines[0] = strings.Join(append(names[:i:i], names[i+1:]...), ",")
		for row := 1; strings.HasPrefix(lines[row], "`"); row++ {
			fields := strings.Split(lines[row], ",`")
			lines[row] = strings.Join(append(fields[:i:i], fields[i+1:]...), ",`")
		}
		break
	}
	return lines
}

// renamed gives columns of rows other names.
func renamed(lines []string, oldnew ...string) []string {
	return append([]string{strings.NewReplacer(oldnew...).Replace(lines[0])}, lines[1:]...)
}

// old makes an old-format bill, whose sums are as one may guess them.
func old(lines []string, coupons string) []string {
	for _, name := range []string{"订单金额", "申请退款金额", "费率备注"} {
		lines = without(lines, name)
	}
	return renamed(lines, "应结订单金额", "总金额", "代金券金额", coupons)
}

func allRows() []pay.BillRow {
	return []pay.BillRow{
		{
			At: at("2019-02-19 01:51:59"), AppID: "wxab8acd895ab1638a", MchID: "1921000401",
			TransactionID: "4200000263201902167700136502", OutTradeNo: "autotest_20190219015157_13391", Total: 3,
		},
		{
			At: at("2019-02-19 05:01:46"), AppID: "wxab8acd895ab1638a", MchID: "1921000401",
			TransactionID: "4200000263201902167700134212", OutTradeNo: "autotest_20190216081946_82335", Refund: true,
			WeChatID: "50000709672019011908420787722", RefundID: "REF4200000263201902167700963919", RefundAmount: 1,
		},
	}
}

func TestBillLayouts(t *testing.T) {
	t.Parallel()
	const other = "1921000401"
	all := pay.BillSums{Rows: 45, Total: 47, Refunds: 14}
	paid := []pay.BillRow{{
		At: at("2021-02-01 14:38:45"), AppID: "wx81be3101902f7cb2", MchID: billMchID,
		TransactionID: "4200000922202102014836880592", OutTradeNo: "S20210201143829466741", Total: 1,
	}}
	refunded := []pay.BillRow{{
		At: at("2021-02-01 14:33:21"), AppID: "wx81be3101902f7cb2", MchID: billMchID,
		TransactionID: "4200000844202101245866928772", OutTradeNo: "S20210124161554311546", Refund: true,
		WeChatID: "50300807172021020106006664916", RefundID: "S20210201143320649393", RefundAmount: 1,
	}}
	sums := func(lines []string, header, row string) []string {
		return append(append([]string{}, lines[:len(lines)-2]...), header, row)
	}
	const four, fourColumns = "`2,`0.47,`0.00000,`0.47", "总交易单数,应结订单总金额,手续费总金额,订单总金额"
	older := sums(old(allBill, "企业红包金额"), "总交易单数,别的", "`2,`9")
	const none = "`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00"
	for name, test := range map[string]struct {
		text  []byte
		mchID string
		rows  []pay.BillRow
		sums  pay.BillSums
	}{
		"hashed":   {bill(hashedBill...), billMchID, hashedRows(), pay.BillSums{Rows: 3, Total: 3}},
		"all":      {bill(allBill...), other, allRows(), all},
		"payments": {bill(successBill...), billMchID, paid, pay.BillSums{Rows: 1, Total: 1}},
		"refunds":  {bill(refundBill...), billMchID, refunded, pay.BillSums{Rows: 2, Refunds: 2}},
		"no rows":  {bill(allColumns, sumColumns, none), other, nil, pay.BillSums{}},
		"four sums": {bill(sums(allBill, fourColumns, four)...), other, allRows(),
			pay.BillSums{Rows: 2, Total: 47, Refunds: 1}},
		"without BOM":  {bill(allBill...)[3:], other, allRows(), all},
		"without CR":   {bytes.ReplaceAll(bill(allBill...), []byte("\r"), nil), other, allRows(), all},
		"no last CRLF": {bytes.TrimSuffix(bill(allBill...), []byte("\r\n")), other, allRows(), all},
		"one column more": {bill(append([]string{allColumns + ",新列"},
			allBill[1]+",`,新", allBill[2]+",`", sumColumns+",新", allBill[4]+",`x")...), other, allRows(), all},
		"escaped": {bill(column(column(allBill, 1, "商品名称", "a\\`\\ \\'\\\\\\n"), 2, "商户数据包", `\140\ `)...),
			other, allRows(), all},
		"old":      {bill(old(allBill, "企业红包金额")...), other, allRows(), all},
		"old too":  {bill(old(allBill, "代金券或立减优惠金额")...), other, allRows(), all},
		"older":    {bill(older...), other, allRows(), pay.BillSums{Rows: 2, Total: 3, Refunds: 1}},
		"reversed": {bill(column(allBill, 1, "交易状态", "REVOKED")...), other, allRows()[1:], all},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, got, err := readRows(test.text, test.mchID)
			if err != nil {
				t.Fatal(err)
			}
			wantRows(t, rows, test.rows)
			if got != test.sums {
				t.Errorf("sums %+v, want %+v", got, test.sums)
			}
		})
	}
}

func TestBillErrors(t *testing.T) {
	t.Parallel()
	field := func(row int, name, value string) []byte { return bill(column(allBill, row, name, value)...) }
	missing := func(name string) []byte { return bill(without(allBill, name)...) }
	line := func(i int, text string) []byte {
		lines := append([]string{}, allBill...)
		lines[i] = text
		return bill(lines...)
	}
	long := strings.Repeat("长", lineMax/3)
	for name, test := range map[string]struct {
		text []byte
		want string
	}{
		"nothing":             {nil, "line 1: unexpected EOF"},
		"only a BOM":          {bill()[:3], "line 1: column 交易时间 is missing"},
		"a page":              {[]byte("<html>\n</html>"), "line 1: column 交易时间"},
		"no 交易时间":             {missing("交易时间"), "column 交易时间 is missing"},
		"no 公众账号ID":           {missing("公众账号ID"), "column 公众账号ID is missing"},
		"no 商户号":              {missing("商户号"), "column 商户号 is missing"},
		"no 微信订单号":            {missing("微信订单号"), "column 微信订单号 is missing"},
		"no 商户订单号":            {missing("商户订单号"), "column 商户订单号 is missing"},
		"no 交易状态":             {missing("交易状态"), "column 交易状态 is missing"},
		"no 货币种类":             {missing("货币种类"), "column 货币种类 is missing"},
		"no 订单金额":             {missing("订单金额"), "line 1: column 订单金额 is missing"},
		"no 微信退款单号":           {missing("微信退款单号"), "line 3: column 微信退款单号 is missing"},
		"no 商户退款单号":           {missing("商户退款单号"), "line 3: column 商户退款单号 is missing"},
		"no 申请退款金额":           {missing("申请退款金额"), "line 3: column 申请退款金额 is missing"},
		"a column twice":      {line(0, strings.Replace(allColumns, "费率备注", "商户号", 1)), `column "商户号" is there twice`},
		"a field less":        {line(1, strings.TrimSuffix(allBill[1], ",`")), "line 2: 26 fields in 27 columns"},
		"a field more":        {line(2, allBill[2]+",`"), "line 3: 28 fields in 27 columns"},
		"a separator in text": {field(1, "商品名称", "a,`b"), "28 fields"},
		"a line too long":     {field(1, "商品名称", long), "line 2: longer than 65536 bytes"},
		"a header too long":   {bill(long), "line 1: longer"},
		"an unknown state":    {field(1, "交易状态", "CLOSED"), `line 2: 交易状态 is "CLOSED"`},
		"no state":            {field(1, "交易状态", ""), `交易状态 is ""`},
		"an evil state":       {field(1, "交易状态", "\x1b[31m"), `交易状态 is "\x1b[31m"`},
		"dollars":             {field(1, "货币种类", "USD"), `货币种类 is "USD"`},
		"no currency":         {field(2, "货币种类", ""), `货币种类 is ""`},
		"no transaction":      {field(1, "微信订单号", ""), "is empty"},
		"no order":            {field(2, "商户订单号", ""), "is empty"},
		"another merchant":    {field(1, "商户号", "1900000001"), `商户号 is "1900000001"`},
		"no merchant":         {field(1, "商户号", ""), `商户号 is ""`},
		"no time":             {field(1, "交易时间", ""), `交易时间 is ""`},
		"another time":        {field(2, "交易时间", "2019/02/19 05:01:46"), `line 3: 交易时间 is "2019/02/19 05:01:46"`},
		"no such day":         {field(1, "交易时间", "2019-02-30 05:01:46"), "交易时间"},
		"a part of a fen":     {field(1, "订单金额", "0.031"), `line 2: 订单金额 is "0.031": more than 2 decimals`},
		"less than nothing":   {field(1, "订单金额", "-0.03"), "not a decimal number"},
		"no amount":           {field(1, "订单金额", ""), "not a decimal number"},
		"a refund's fraction": {field(2, "申请退款金额", "0.01001"), "more than 2 decimals"},
		"too much":            {field(1, "订单金额", "99999999999999999999"), "too large"},
		"too much in all": {bill(allColumns, column(allBill, 1, "订单金额", "92233720368547757.99")[1],
			column(allBill, 1, "订单金额", "0.10")[1], sumColumns, allBill[4]), "line 3: the amounts add up"},
		"no sums":             {bill(allBill[:3]...), "line 4: unexpected EOF"},
		"no values":           {bill(allBill[:4]...), "line 5: unexpected EOF"},
		"values without tick": {line(4, "45,0,0,0,0,0,0"), "backtick"},
		"sums cut":            {line(4, "`45.0,`0.47"), "2 fields in 7 columns"},
		"other sums":          {line(3, fundBill[2]), "5 columns"},
		"no count":            {line(3, strings.Replace(sumColumns, "总交易单数", "x", 1)), "the sums: column 总交易单数"},
		"no total":            {line(3, strings.Replace(sumColumns, ",订单总金额", ",x", 1)), "the sums: column 订单总金额"},
		"half a row":          {line(4, strings.Replace(allBill[4], "45.0", "45.5", 1)), "总交易单数 is \"45.5\""},
		"total not a number":  {line(4, strings.Replace(allBill[4], "0.08,`0.47", "0.08,`x", 1)), `订单总金额 is "x"`},
		"refunds' fraction":   {line(4, allBill[4]+"1"), `申请退款总金额 is "0.141"`},
		"an empty line":       {append(bill(allBill...), "\r\n"...), "line 6: there is more after the sums"},
		"rows after sums":     {append(bill(allBill...), allBill[1]...), "more after the sums"},
		"more than a line":    {append(bill(allBill...), long...), "more after the sums"},
		"two bills":           {append(bill(allBill...), bill(allBill...)...), "more after the sums"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, sums, err := readRows(test.text, "1921000401")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, want %q in it", err, test.want)
			}
			if sums != (pay.BillSums{}) {
				t.Errorf("sums %+v beside the error", sums)
			}
			if len(err.Error()) > 300 {
				t.Errorf("%d bytes of error", len(err.Error()))
			}
		})
	}
}

func TestFundErrors(t *testing.T) {
	t.Parallel()
	line := func(i int, text string) []byte {
		lines := append([]string{}, fundBill...)
		lines[i] = text
		return bill(lines...)
	}
	for name, test := range map[string]struct {
		text []byte
		want string
	}{
		"a trade bill":    {bill(allBill...), "column 记账时间 is missing"},
		"no amounts":      {line(0, strings.Replace(fundBill[0], "收支金额(元)", "x", 1)), "column 收支金额(元) is missing"},
		"a field less":    {line(1, "`2021-02-01 13:54:01"), "line 2: 1 fields in 11 columns"},
		"no sum":          {line(2, strings.Replace(fundBill[2], "支出金额", "x", 1)), "the sums: column 支出金额 is missing"},
		"not a number":    {line(3, "`3,`1,`0.01,`x,`0.02"), `the sums: 支出笔数 is "x"`},
		"a part of a fen": {line(3, "`3,`1,`0.011,`2,`0.02"), `收入金额 is "0.011"`},
		"no end":          {bill(fundBill[:2]...), "unexpected EOF"},
	} {
		sums, err := readFunds(bytes.NewReader(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) || sums != (pay.FundSums{}) {
			t.Errorf("%s: %+v, %v, want %q", name, sums, err, test.want)
		}
	}
}

// TestBillReadError has a disk that fails in the middle.
func TestBillReadError(t *testing.T) {
	t.Parallel()
	text := io.MultiReader(bytes.NewReader(bill(allBill[:2]...)), iotest.ErrReader(iotest.ErrTimeout))
	if _, err := readTrades(text, Account{MchID: "1921000401"}, func(pay.BillRow) error { return nil }); err == nil ||
		!strings.Contains(err.Error(), iotest.ErrTimeout.Error()) {
		t.Errorf("%v, want %v", err, iotest.ErrTimeout)
	}
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "0.00": 0, "0.01": 1, "0.1": 10, "1": 100, "12.34": 1234, "45.0": 4500, "0.01000": 1, "007.5": 750,
		"0.47": 47, "92233720368547757.99": 9223372036854775799, "0.00000000000000000000000000": 0,
	} {
		if got, err := decimal([]byte(text), 2); err != nil || got != want {
			t.Errorf("%q in fen: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ".", "1.", ".5", "-1", "+1", "1e2", "0x1", " 1", "1 ", "1,000.00", "１", "1.2.3", "0.001", "0.010001", "NaN",
		"92233720368547758.10", "99999999999999999999999999", "\x00",
	} {
		if got, err := decimal([]byte(text), 2); err == nil {
			t.Errorf("%q: %d, want an error", text, got)
		}
	}
	for text, want := range map[string]int64{"45.0": 45, "45": 45, "0.000": 0} {
		if got, err := decimal([]byte(text), 0); err != nil || got != want {
			t.Errorf("%q rows: %d, %v, want %d", text, got, err, want)
		}
	}
}

// FuzzTradeBill throws texts at the reader of trade bills. It must end, with an error or with rows that make
// sense, and read the same whether the text comes at once or in single bytes.
func FuzzTradeBill(f *testing.F) {
	for _, lines := range [][]string{hashedBill, successBill, refundBill, old(hashedBill, "企业红包金额")} {
		f.Add(bill(lines...))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var added pay.BillSums
		check := func(r pay.BillRow) error {
			if r.MchID != billMchID || r.OutTradeNo == "" || r.TransactionID == "" || r.Total < 0 || r.RefundAmount < 0 ||
				r.Refund && r.Total != 0 || !r.Refund && (r.RefundAmount != 0 || r.WeChatID != "" || r.RefundID != "") {
				t.Errorf("row %+v", r)
			}
			if strings.Contains(r.OutTradeNo, "\n") || strings.Contains(r.OutTradeNo, ",`") {
				t.Errorf("out_trade_no %q", r.OutTradeNo)
			}
			added.Rows++
			return nil
		}
		sums, err := readTrades(bytes.NewReader(text), Account{MchID: billMchID}, check)
		if err != nil && sums != (pay.BillSums{}) {
			t.Errorf("sums %+v beside %v", sums, err)
		}
		if rows := int64(bytes.Count(text, []byte("\n"))); added.Rows > rows {
			t.Errorf("%d rows in %d lines", added.Rows, rows)
		}
		again, errAgain := readTrades(iotest.OneByteReader(bytes.NewReader(text)), Account{MchID: billMchID}, check)
		if again != sums || (err == nil) != (errAgain == nil) {
			t.Errorf("in single bytes: %+v, %v, at once %+v, %v", again, errAgain, sums, err)
		}
	})
}
