package wechatsim

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const (
	tradeBill = "/v3/bill/tradebill?"
	flowBill  = "/v3/bill/fundflowbill?"
)

// A billOffer is the answer to a request for a bill.
type billOffer struct{ hashType, hash, url, target string }

func (s *shop) bill(target string) billOffer {
	s.t.Helper()
	a := s.send("GET", target, "").want(200, "").wantNumber("0")
	if err := s.verify(a.header, a.body); err != nil {
		s.t.Fatalf("answer does not verify: %v", err)
	}
	m := fields(s.t, a.body)
	o := billOffer{hashType: m["hash_type"].(string), hash: m["hash_value"].(string), url: m["download_url"].(string)}
	u, err := url.Parse(o.url)
	if err != nil || len(m) != 3 || o.hashType != "SHA1" || len(o.hash) != 40 {
		s.t.Fatalf("offer %v: %v", m, err)
	}
	o.target = u.RequestURI()
	return o
}

// download fetches a bill; hash is of the bytes that came.
func (s *shop) download(o billOffer) (file, hash string) {
	s.t.Helper()
	a := s.send("GET", o.target, "").want(200, "").wantNumber("0")
	for name := range a.header {
		if strings.HasPrefix(name, "Wechatpay-") {
			s.t.Errorf("a download carries %s", name)
		}
	}
	sum := sha1.Sum([]byte(a.body))
	return a.body, hex.EncodeToString(sum[:])
}

// rows fetches a bill, checks its hash and gives the values of its rows, without titles, and of the summary.
func (s *shop) rows(target string) (rows [][]string, summary []string) {
	s.t.Helper()
	o := s.bill(target)
	file, hash := s.download(o)
	if hash != o.hash {
		s.t.Errorf("%s has SHA-1 %s, want %s", target, hash, o.hash)
	}
	lines := strings.Split(file, "\r\n")
	for i, line := range lines[1 : len(lines)-1] {
		if i == len(lines)-4 {
			continue
		}
		rows = append(rows, strings.Split(strings.TrimPrefix(line, "`"), ",`"))
	}
	return rows[:len(rows)-1], rows[len(rows)-1]
}

// nextDay brings the clock to an hour of the day after noon().
func (c *handClock) nextDay(hour int) {
	c.advance(time.Date(2026, 1, 3, hour, 0, 0, 0, beijing()).Sub(c.time()))
}

func TestTradeBill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, clock := newShopAtNoon(t)
		s.pay(s.codeURL(s.send("POST", nativePath, s.full("ORDER0001"))))
		s.pay(s.prepay("ORDER0002"))
		s.prepay("ORDER0003") // unpaid: in no bill
		clock.advance(time.Hour)
		s.refund("ORDER0001", "R1", 640).want(200, "")
		clock.advance(time.Second)
		time.Sleep(time.Minute)
		paid, refund := s.sim.Trades(), s.sim.Refunds()[0]
		clock.nextDay(10)

		head := func(at string, x Trade, state string) string {
			device := map[string]string{"ORDER0001": "till-1"}[x.OutTradeNo]
			return "`2026-01-02 " + at + ",`" + s.merchant.AppID + ",`" + s.merchant.MchID + ",`0,`" + device + ",`" +
				x.TransactionID + ",`" + x.OutTradeNo + ",`" + x.OpenID + ",`NATIVE,`" + state + ",`OTHERS,`CNY,`"
		}
		first := head("12:00:00", paid[2], "SUCCESS") + "12.80,`0.00,`"
		second := head("12:00:00", paid[1], "SUCCESS") + "12.80,`0.00,`"
		const payments, bought = "0,`0,`0.00,`0.00,`,`,`", ",`0.13000,`1.00%,`12.80,`"
		back := refund.RefundID + ",`R1,`6.40,`0.00,`ORIGINAL,`SUCCESS,`拿铁,`桌号 8,`-0.06000,`1.00%,`0.00,`6.40,`"
		all, _ := s.download(s.bill(tradeBill + "bill_date=2026-01-02"))
		wantFile(t, all, allHeader, first+payments+"拿铁,`桌号 8"+bought+"0.00,`", second+payments+"拿铁,`"+bought+"0.00,`",
			head("13:00:00", paid[2], "REFUND")+"0.00,`0.00,`"+back, summaryHeader,
			"`3,`25.60,`6.40,`0.00,`0.20000,`25.60,`6.40")
		if again, _ := s.download(s.bill(tradeBill + "bill_date=2026-01-02&bill_type=ALL")); again != all {
			t.Errorf("ALL is not the default: %s", again)
		}
		success, _ := s.download(s.bill(tradeBill + "bill_date=2026-01-02&bill_type=SUCCESS"))
		wantFile(t, success, successHeader, first+"拿铁,`桌号 8"+bought, second+"拿铁,`"+bought, summaryHeader,
			"`2,`25.60,`0.00,`0.00,`0.26000,`25.60,`0.00")
		refunds, _ := s.download(s.bill(tradeBill + "bill_date=2026-01-02&bill_type=REFUND"))
		wantFile(t, refunds, refundHeader, head("12:00:00", paid[2], "REFUND")+
			"0.00,`0.00,`2026-01-02 13:00:00,`2026-01-02 13:00:01,`"+back, summaryHeader,
			"`1,`0.00,`6.40,`0.00,`-0.06000,`0.00,`6.40")
	})
}

func TestFlowBill(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	s.sim.SetBalance(1000)
	trade := s.pay(s.prepay("ORDER0001"))
	clock.advance(time.Minute)
	s.refund("ORDER0001", "R1", 640).want(200, "")
	clock.nextDay(10)
	refund := s.sim.Refunds()[0]
	end := ",`" + s.merchant.MchID + "API,`"
	id := trade.TransactionID + ",`" + trade.TransactionID
	want := []string{flowHeader,
		"`2026-01-02 12:00:00,`" + id + ",`交易,`交易,`收入,`12.80,`22.80" + end + ",`ORDER0001",
		"`2026-01-02 12:00:00,`" + id + ",`扣除交易手续费,`扣除交易手续费,`支出,`0.13,`22.67" + end + ",`ORDER0001",
		"`2026-01-02 12:01:00,`" + refund.RefundID + ",`" + trade.TransactionID + ",`退款,`退款,`支出,`6.34,`16.33" + end +
			"退款总金额6.40元;含手续费0.06元,`R1",
		flowSummary, "`3,`1,`12.80,`2,`6.47"}
	for _, query := range []string{"bill_date=2026-01-02", "bill_date=2026-01-02&account_type=BASIC"} {
		file, _ := s.download(s.bill(flowBill + query))
		wantFile(t, file, want...)
	}
	if s.sim.Balance() != 1633 {
		t.Errorf("balance %d", s.sim.Balance())
	}
	for _, account := range []string{"OPERATION", "FEES"} { // this merchant has none
		s.send("GET", flowBill+"bill_date=2026-01-02&account_type="+account, "").want(400, "NO_STATEMENT_EXIST")
	}
}

func TestBillParameters(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	clock.nextDay(10)
	for _, c := range []struct{ target, field, issue string }{
		{tradeBill, "/bill_date", "缺少"},
		{tradeBill + "bill_date=", "/bill_date", "缺少"},
		{tradeBill + "bill_date=20260102", "/bill_date", "yyyy-MM-dd"},
		{tradeBill + "bill_date=2026-1-2", "/bill_date", "yyyy-MM-dd"},
		{tradeBill + "bill_date=2026-02-30", "/bill_date", "yyyy-MM-dd"},
		{tradeBill + "bill_date=2026-01-03", "/bill_date", "今天以前"},
		{tradeBill + "bill_date=2026-01-04", "/bill_date", "今天以前"},
		{tradeBill + "bill_date=2025-10-02", "/bill_date", "三个月"},
		{tradeBill + "bill_date=2026-01-02&bill_type=all", "/bill_type", "ALL"},
		{tradeBill + "bill_date=2026-01-02&tar_type=gzip", "/tar_type", "GZIP"},
		{tradeBill + "bill_date=2026-01-02&sub_mchid=1", "/sub_mchid", "未在API文档中定义"},
		{tradeBill + "bill_date=2026-01-02&account_type=BASIC", "/account_type", "未在API文档中定义"},
		{flowBill, "/bill_date", "缺少"},
		{flowBill + "bill_date=2026-01-02&account_type=basic", "/account_type", "BASIC"},
		{flowBill + "bill_date=2026-01-02&tar_type=ZIP", "/tar_type", "GZIP"},
		{flowBill + "bill_date=2026-01-02&bill_type=ALL", "/bill_type", "未在API文档中定义"},
	} {
		a := s.send("GET", c.target, "").want(400, "PARAM_ERROR")
		d := a.error.Detail
		if d == nil || d.Field != c.field || d.Location != "query" || !strings.Contains(d.Issue, c.issue) {
			t.Errorf("%s: detail %+v", c.target, d)
		}
	}
	for _, bill := range []string{tradeBill, flowBill} { // the oldest day of all: taken, and empty
		s.send("GET", bill+"bill_date=2025-10-03", "").want(400, "NO_STATEMENT_EXIST")
		s.bill(bill + "bill_date=2026-01-02")
	}
}

func TestBillIsReadyAtTen(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	for _, bill := range []string{tradeBill, flowBill} {
		clock.nextDay(0)
		s.send("GET", bill+"bill_date=2026-01-02", "").want(400, "STATEMENT_CREATING")
		s.send("GET", bill+"bill_date=2026-01-01", "").want(400, "NO_STATEMENT_EXIST")
		clock.nextDay(10)
		clock.advance(-time.Second)
		s.send("GET", bill+"bill_date=2026-01-02", "").want(400, "STATEMENT_CREATING")
		clock.advance(time.Second)
		s.bill(bill + "bill_date=2026-01-02")
	}
	// Only of this kind there is nothing.
	s.send("GET", tradeBill+"bill_date=2026-01-02&bill_type=REFUND", "").want(400, "NO_STATEMENT_EXIST")
}

// A Beijing day is from 16:00 to 16:00 UTC: payments are of the day of their success, refunds of their acceptance.
func TestBillDays(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	pay := func(number string, at time.Time) {
		clock.advance(at.Sub(clock.time()))
		s.pay(s.prepay(number))
	}
	midnight := time.Date(2026, 1, 3, 0, 0, 0, 0, beijing())
	pay("ORDER0001", midnight.Add(-time.Nanosecond))
	pay("ORDER0002", midnight)
	pay("ORDER0003", midnight.AddDate(0, 0, 1).Add(-time.Second))
	s.refund("ORDER0001", "R1", 1).want(200, "")
	pay("ORDER0004", midnight.AddDate(0, 0, 1))
	s.refund("ORDER0002", "R2", 1).want(200, "")
	clock.advance(48 * time.Hour)
	for date, want := range map[string]string{
		"2026-01-02": "ORDER0001 ",
		"2026-01-03": "ORDER0002 ORDER0003 ORDER0001R1 ",
		"2026-01-04": "ORDER0004 ORDER0002R2 ",
	} {
		rows, _ := s.rows(tradeBill + "bill_date=" + date)
		var got strings.Builder
		for _, r := range rows {
			got.WriteString(r[6] + strings.TrimPrefix(r[15], "0") + " ")
		}
		if got.String() != want {
			t.Errorf("%s has %s, want %s", date, got.String(), want)
		}
	}
}

// A refund's row says, in the words of bills, how the refund stood when the bill was made: at 9:00 of the next day.
func TestRefundStatusInBills(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	s.sim.SetFaults(Faults{RefundOutcome: RefundFaults{Stay: -1}})
	finish := func(number string, end RefundState) {
		t.Helper()
		if _, err := s.sim.FinishRefund(number, end); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 6 {
		s.pay(s.prepay(fmt.Sprintf("ORDER000%d", i)))
		s.refund(fmt.Sprintf("ORDER000%d", i), fmt.Sprintf("R%d", i), 1).want(200, "")
	}
	finish("R0", RefundSucceeded)
	finish("R1", RefundAbnormal)
	finish("R2", RefundClosed)
	finish("R5", RefundAbnormal)
	clock.nextDay(8)
	s.send("POST", refundPath+"/"+s.sim.Refunds()[0].RefundID+"/apply-abnormal-refund",
		abnormalBody("R5", "USER_BANK_CARD", "")).want(200, "")
	clock.nextDay(9)
	finish("R3", RefundSucceeded)
	clock.advance(time.Second)
	finish("R4", RefundSucceeded)
	finish("R5", RefundSucceeded)
	clock.nextDay(10)
	rows, _ := s.rows(tradeBill + "bill_date=2026-01-02&bill_type=REFUND")
	for i, want := range []string{"2026-01-02 12:00:00 SUCCESS", " CHANGE", " FAIL", "2026-01-03 09:00:00 SUCCESS",
		" PROCESSING", " PROCESSING"} {
		if got := rows[i][15] + " " + rows[i][21]; got != want {
			t.Errorf("R%d: %q, want %q", i, got, want)
		}
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	clock.nextDay(10)
	o := s.bill(tradeBill + "bill_date=2026-01-02")
	if !strings.HasPrefix(o.url, "http://example.com/v3/billdownload/file?token=") ||
		strings.Contains(o.url, "tartype") {
		t.Errorf("url %s", o.url)
	}
	first, hash := s.download(o)
	if again, _ := s.download(o); again != first || hash != o.hash {
		t.Errorf("a second download differs, or the hash %s", hash)
	}
	for _, spoil := range []func(*draft){
		func(d *draft) { d.authorization = " " }, // as a browser opens it
		func(d *draft) { d.mchID = "1900000001" },
		func(d *draft) { d.target += "&tartype=gzip" }, // signed without
	} {
		s.send("GET", o.target, "", spoil).want(401, "SIGN_ERROR")
	}
	for _, target := range []string{"/v3/billdownload/file", "/v3/billdownload/file?token=", o.target + "x",
		o.target + "&tartype=gzip", o.target + "&tartype=zip"} {
		s.send("GET", target, "").want(400, "INVALID_REQUEST")
	}
	s.send("GET", o.target+"&x=1", "").want(400, "PARAM_ERROR")
	clock.advance(5 * time.Minute)
	s.download(o)
	clock.advance(time.Second)
	s.send("GET", o.target, "").want(400, "INVALID_REQUEST")
	s.download(s.bill(tradeBill + "bill_date=2026-01-02")) // ask again
	if n := len(s.sim.tickets); n != 1 {
		t.Errorf("%d tickets are kept, want the living one", n)
	}
}

// The bill is that of the moment in which it was asked for.
func TestDownloadIsWhatWasHashed(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	clock.nextDay(10)
	o := s.bill(tradeBill + "bill_date=2026-01-02")
	s.sim.AddPaid(1, func(int) Trade { return Trade{OutTradeNo: "LATE", Total: 1, PaidAt: noon()} })
	if file, hash := s.download(o); hash != o.hash || strings.Contains(file, "LATE") {
		t.Errorf("SHA-1 %s, want %s", hash, o.hash)
	}
}

func TestDownloadURLOverTLS(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	clock.nextDay(10)
	r := s.request("GET", tradeBill+"bill_date=2026-01-02", "")
	r.TLS, r.Host = &tls.ConnectionState{}, "pay.example:8443"
	w := httptest.NewRecorder()
	s.sim.ServeHTTP(w, r)
	got := fields(t, w.Body.String())["download_url"].(string)
	if !strings.HasPrefix(got, "https://pay.example:8443/v3/") {
		t.Errorf("url %s", got)
	}
}

func TestGzippedBill(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	clock.nextDay(10)
	for _, target := range []string{tradeBill, flowBill} {
		plain, hash := s.download(s.bill(target + "bill_date=2026-01-02"))
		o := s.bill(target + "bill_date=2026-01-02&tar_type=GZIP")
		if o.hash != hash || !strings.HasSuffix(o.url, "&tartype=gzip") {
			t.Errorf("hash %s, want that of the plain bill %s; url %s", o.hash, hash, o.url)
		}
		packed := s.send("GET", o.target, "").want(200, "")
		if packed.header.Get("Content-Encoding") != "" {
			t.Error("a client would unpack it unasked")
		}
		z, err := gzip.NewReader(strings.NewReader(packed.body))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || string(got) != plain {
			t.Errorf("unpacked %s: %v", got, err)
		}
		s.send("GET", strings.TrimSuffix(o.target, "&tartype=gzip"), "").want(400, "INVALID_REQUEST")
	}
}

// crowdTrade is the i-th of many payments, 110 fen each, one every ten seconds from noon on.
func crowdTrade(i int) Trade {
	return Trade{OutTradeNo: "LOAD" + strconv.Itoa(i), TransactionID: "42" + strconv.Itoa(i), Total: 110,
		PaidAt: noon().Add(time.Duration(i) * 10 * time.Second), Description: "茶", OpenID: "o1"}
}

func TestAddPaid(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	s.sim.AddPaid(4322, crowdTrade) // of twelve hours and a little: the last two are of the next day
	s.pay(s.prepay("ORDER0002"))
	if got := s.sim.Balance(); got != openingBalance+2*(1280-13)+4322*(110-1) {
		t.Errorf("balance %d", got)
	}
	clock.nextDay(10)
	rows, summary := s.rows(tradeBill + "bill_date=2026-01-02")
	if len(rows) != 4322 || rows[1][6] != "LOAD0" || rows[4320][6] != "LOAD4319" || rows[4321][6] != "ORDER0002" ||
		strings.Join(summary, " ") != "4322 4777.60 0.00 0.00 43.46000 4777.60 0.00" {
		t.Errorf("%d rows, summary %v", len(rows), summary)
	}
	want := "2026-01-02 12:00:10 " + s.merchant.AppID + " " + s.merchant.MchID +
		" 0  421 LOAD1 o1 NATIVE SUCCESS OTHERS CNY 1.10 0.00 0 0 0.00 0.00   茶  0.01000 1.00% 1.10 0.00 "
	if got := strings.Join(rows[2], " "); got != want {
		t.Errorf("row %q, want %q", got, want)
	}
	s.send("GET", tradeBill+"bill_date=2026-01-02&bill_type=REFUND", "").want(400, "NO_STATEMENT_EXIST")
	// Each row has the balance after it: a step of the amount from the row before, also over the days' border.
	flows, _ := s.rows(flowBill + "bill_date=2026-01-02")
	if len(flows) != 2*4322 || flows[2][6] != "1.10" || flows[3][6] != "0.01" ||
		flows[2][7] != yuan(openingBalance+1280-13+110) || flows[3][7] != yuan(openingBalance+1280-13+109) ||
		flows[len(flows)-1][7] != yuan(s.sim.Balance()) {
		t.Errorf("%d flows, %v %v … %v", len(flows), flows[2], flows[3], flows[len(flows)-1])
	}
	clock.advance(24 * time.Hour)
	rows, _ = s.rows(tradeBill + "bill_date=2026-01-03&bill_type=SUCCESS")
	if len(rows) != 2 || rows[0][6] != "LOAD4320" {
		t.Errorf("the next day has %v", rows)
	}
	flows, _ = s.rows(flowBill + "bill_date=2026-01-03")
	if flows[3][7] != yuan(s.sim.Balance()-1280+13) {
		t.Errorf("flow %v", flows[3])
	}
}

// A bill flows: its beginning is sent while its rows are still being made, and nothing keeps them.
func TestBillIsStreamed(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	var made atomic.Int64
	s.sim.AddPaid(5000, func(i int) Trade {
		made.Add(1)
		return crowdTrade(i % 100)
	})
	clock.nextDay(10)
	o := s.bill(tradeBill + "bill_date=2026-01-02")
	made.Store(0)
	w := &watched{ResponseRecorder: httptest.NewRecorder(), made: &made}
	s.sim.ServeHTTP(w, s.request("GET", o.target, ""))
	if w.first == 0 || w.first > 1000 || w.largest > 1<<17 || made.Load() != 5000 {
		t.Errorf("%d rows made before the first bytes, largest write %d bytes, %d made in all", w.first, w.largest,
			made.Load())
	}
}

// watched records how a body is written.
type watched struct {
	*httptest.ResponseRecorder
	made    *atomic.Int64
	first   int64 // rows made before the first write
	largest int
}

func (w *watched) Write(b []byte) (int, error) {
	if w.first == 0 {
		w.first = w.made.Load()
	}
	w.largest = max(w.largest, len(b))
	return w.ResponseRecorder.Write(b)
}

// While a bill is downloaded, the simulator goes on.
func TestBillBesideTraffic(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	s.refund("ORDER0001", "R1", 1).want(200, "")
	s.sim.AddPaid(4000, crowdTrade)
	clock.nextDay(10)
	o := s.bill(tradeBill + "bill_date=2026-01-02")
	done := make(chan string)
	go func() {
		w := httptest.NewRecorder()
		s.sim.ServeHTTP(w, s.request("GET", o.target, ""))
		sum := sha1.Sum(bytes.Clone(w.Body.Bytes()))
		done <- hex.EncodeToString(sum[:])
	}()
	if _, err := s.sim.FinishRefund("R1", RefundSucceeded); err != nil {
		t.Error(err)
	}
	for i := range 20 {
		number := fmt.Sprintf("ORDER1%03d", i)
		s.pay(s.prepay(number))
		s.refund(number, number, 1).want(200, "")
	}
	if hash := <-done; hash != o.hash {
		t.Errorf("SHA-1 %s, want %s", hash, o.hash)
	}
}
