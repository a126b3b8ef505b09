package wechat

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

const (
	billMchID = "1601959334" // of the published bills
	billDay   = "2021-01-28"
)

// bill makes the bytes of a bill of its lines, as WeChat Pay writes them.
func bill(lines ...string) []byte {
	return []byte("\xef\xbb\xbf" + strings.Join(lines, "\r\n") + "\r\n")
}

func packed(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		panic(err) // a buffer takes all
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func sha1Of(text []byte) string { return fmt.Sprintf("%x", sha1.Sum(text)) }

// A billServer is a WeChat Pay with one bill. What is not set is as it should be.
type billServer struct {
	text      []byte           // the bill
	sent      []byte           // what is downloaded; nil: the text, packed
	statement object           // changes the signed answer
	refuse    http.HandlerFunc // answers the request for the bill
	download  http.HandlerFunc // answers the download
	asked     string           // the request for the bill that is expected; empty: any
}

// The query must arrive like this: sorted or escaped anew it would be another one.
const ticket = "/v3/billdownload/file?token=z%2b%2f~x&tartype=gzip&a=1"

func (b billServer) open(t *testing.T) *Gateway {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v3/bill/{kind}", func(w http.ResponseWriter, r *http.Request) {
		authorized(t, r)
		if b.asked != "" && r.RequestURI != b.asked {
			t.Errorf("asked %s, want %s", r.RequestURI, b.asked)
		}
		if b.refuse != nil {
			b.refuse(w, r)
			return
		}
		o := object{
			"hash_type": "SHA1", "hash_value": sha1Of(b.text),
			// Another host: it must not be called, for nobody says whose it is.
			"download_url": "https://stranger.example" + ticket,
		}
		for key, value := range b.statement {
			o[key] = value
		}
		answers(200, encode(o))(w, r)
	})
	mux.HandleFunc("GET /v3/billdownload/file", func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != ticket {
			t.Errorf("asked %s, want %s", r.RequestURI, ticket)
		}
		r.Header.Set("Wechatpay-Serial", keyID) // which only signed answers need
		authorized(t, r)
		switch {
		case b.download != nil:
			b.download(w, r)
		case b.sent != nil:
			_, _ = w.Write(b.sent)
		default:
			_, _ = w.Write(packed(b.text))
		}
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return openBills(t, srv.URL, nil)
}

// openBills is a gateway for the merchant of the published bills, whose temporary files the test sees.
func openBills(tb testing.TB, apiURL string, transport http.RoundTripper) *Gateway {
	tb.Helper()
	a := testAccount()
	a.APIURL = apiURL
	dir := tb.TempDir()
	g, err := New(map[pay.MerchantID]Account{cafe: a}, Options{Transport: transport, TempDir: dir})
	if err != nil {
		tb.Fatal(err)
	}
	g.account(cafe).MchID = billMchID // the requests go on as the test's merchant, whom authorized knows
	tb.Cleanup(func() {
		wantEmpty(tb, dir)
		wantClosed(tb, dir)
	})
	return g
}

// wantClosed looks for open files, also those without a name, on systems that show them.
func wantClosed(tb testing.TB, dir string) {
	tb.Helper()
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		tb.Error(err)
	}
	for _, fd := range open {
		if file, err := os.Readlink(fd); err == nil && strings.HasPrefix(file, dir+"/") {
			tb.Errorf("%s is still open", file)
		}
	}
}

func wantEmpty(tb testing.TB, dir string) {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		tb.Errorf("temporary files %v, %v, want none", entries, err)
	}
}

// trades collects the rows of a bill.
func trades(t *testing.T, g *Gateway) ([]pay.BillRow, pay.BillSums, error) {
	t.Helper()
	var rows []pay.BillRow
	sums, err := g.TradeBill(t.Context(), cafe, billDay, func(r pay.BillRow) error {
		rows = append(rows, r)
		return nil
	})
	return rows, sums, err
}

func TestTradeBill(t *testing.T) {
	t.Parallel()
	text := bill(hashedBill...)
	for name, change := range map[string]func(b *billServer){
		"packed":       func(*billServer) {},
		"plain":        func(b *billServer) { b.sent = text },
		"several gzip": func(b *billServer) { b.sent = append(packed(text[:700]), packed(text[700:])...) },
		"hash in capitals": func(b *billServer) {
			b.statement = object{"hash_value": strings.ToUpper(sha1Of(text))}
		},
		"a Content-Encoding": func(b *billServer) {
			b.download = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(packed(text))
			}
		},
		"packed twice": func(b *billServer) {
			b.download = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(packed(packed(text)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := billServer{
				text: text, asked: "/v3/bill/tradebill?bill_date=2021-01-28&bill_type=ALL&tar_type=GZIP",
			}
			change(&b)
			rows, sums, err := trades(t, b.open(t))
			if err != nil {
				t.Fatal(err)
			}
			wantRows(t, rows, hashedRows())
			if want := (pay.BillSums{Rows: 3, Total: 3}); sums != want {
				t.Errorf("sums %+v, want %+v", sums, want)
			}
		})
	}
}

func TestTradeBillLeavesNoNamedFile(t *testing.T) {
	t.Parallel()
	g := billServer{text: bill(hashedBill...)}.open(t)
	n := 0
	_, err := g.TradeBill(t.Context(), cafe, billDay, func(pay.BillRow) error {
		n++
		wantEmpty(t, g.tempDir) // a crash right here would leave nothing
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestFundFlow(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"new": fundBill,
		"old": {strings.NewReplacer("(", "（", ")", "）").Replace(fundBill[0]), fundBill[1], fundBill[2], fundBill[3]},
	} {
		b := billServer{
			text: bill(lines...), asked: "/v3/bill/fundflowbill?bill_date=2021-01-28&account_type=BASIC&tar_type=GZIP",
		}
		got, err := b.open(t).FundFlow(t.Context(), cafe, billDay)
		if want := (pay.FundSums{Rows: 3, Ins: 1, Outs: 2, In: 1, Out: 2}); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
	b := billServer{text: bill(hashedBill...)}
	if got, err := b.open(t).FundFlow(t.Context(), cafe, billDay); err == nil || got != (pay.FundSums{}) {
		t.Errorf("a trade bill: %+v, %v, want an error", got, err)
	}
}

// TestBillTrouble has bills that are not to be trusted: not one row of them may be given out.
func TestBillTrouble(t *testing.T) {
	t.Parallel()
	text := bill(hashedBill...)
	half := packed(text)[:len(packed(text))/2]
	damaged := packed(text)
	damaged[len(damaged)-6]++ // the checksum
	says := func(key string, value any) billServer { return billServer{text: text, statement: object{key: value}} }
	sends := func(b []byte) billServer { return billServer{text: text, sent: b} }
	downloads := func(h http.HandlerFunc) billServer { return billServer{text: text, download: h} }
	elsewhere := http.RedirectHandler("https://stranger.example/", http.StatusFound)
	const op, down = "trade bill", "trade bill download"
	for name, test := range map[string]struct {
		server billServer
		op     string
		code   string
		text   string
	}{
		"wrong hash":      {says("hash_value", strings.Repeat("0", 40)), down, "", `want "0000`},
		"no hash":         {says("hash_value", nil), down, "", `want ""`},
		"another hash":    {says("hash_type", "SM3"), op, "", `hash_type is "SM3"`},
		"no URL":          {says("download_url", nil), down, "", "download_url"},
		"a path only":     {says("download_url", ticket), down, "", "download_url"},
		"half of a URL":   {says("download_url", "https:"+ticket), down, "", "download_url"},
		"an evil URL":     {says("download_url", "https://x/\n"+evil), down, "", "download_url"},
		"a list":          {billServer{refuse: answers(200, []byte(`[]`))}, op, "", "decode"},
		"unsigned":        {billServer{refuse: refuses(200, `{}`)}, op, "", "not verified"},
		"system error":    {billServer{refuse: refuses(500, `{"code":"SYSTEM_ERROR"}`)}, op, "SYSTEM_ERROR", "500"},
		"one byte more":   {sends(packed(append(bytes.Clone(text), ' '))), down, "", "SHA-1"},
		"without BOM":     {sends(packed(text[3:])), down, "", "SHA-1"},
		"without CR":      {sends(packed(bytes.ReplaceAll(text, []byte("\r"), nil))), down, "", "SHA-1"},
		"cut, plain":      {sends(text[:len(text)-1]), down, "", "SHA-1"},
		"cut, packed":     {sends(half), down, "", "unexpected EOF"},
		"damaged":         {sends(damaged), down, "", "checksum"},
		"one byte":        {sends([]byte{0x1f}), down, "", "SHA-1"},
		"two bytes":       {sends([]byte{0x1f, 0x8b}), down, "", "decompress"},
		"nothing":         {sends([]byte{}), down, "", "SHA-1"},
		"something after": {sends(append(packed(text), "x\n\n\n\n\n\n\n\n\n\n"...)), down, "", "gzip"},
		"URL too old":     {downloads(refuses(400, `{"code":"INVALID_REQUEST"}`)), down, "INVALID_REQUEST", "400"},
		"not allowed":     {downloads(refuses(403, `{"code":"NO_AUTH"}`)), down, "NO_AUTH", "403"},
		"elsewhere":       {downloads(elsewhere.ServeHTTP), down, "", "302"},
		"no content":      {downloads(answers(204, nil)), down, "", "wanted 200"},
		"a part":          {downloads(refuses(206, string(text))), down, "", "wanted 200"},
		"a long refusal":  {downloads(refuses(500, strings.Repeat(" ", answerMax+1))), down, "", "longer than 1 MiB"},
		"cut off": {downloads(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write(packed(text))
		}), down, "", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, sums, err := trades(t, test.server.open(t))
			if err == nil || len(rows) > 0 || sums != (pay.BillSums{}) {
				t.Fatalf("%d rows, %+v, %v, want an error and nothing else", len(rows), sums, err)
			}
			wantSafe(t, err)
			e := gatewayError(t, err)
			if e.Op != test.op || e.Code != test.code || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%q, want op %q, code %q, and %q in it", err, test.op, test.code, test.text)
			}
			if strings.Contains(err.Error(), "token") {
				t.Errorf("%q shows the token of the download", err)
			}
			if errors.Is(err, pay.ErrNoBill) || errors.Is(err, pay.ErrBillNotReady) {
				t.Errorf("%v, want trouble", err)
			}
		})
	}
}

func TestNoBill(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status  int
		code    string
		outcome pay.Outcome
		want    error // nil: neither
	}{
		"not ready":      {400, "STATEMENT_CREATING", pay.Unsure, pay.ErrBillNotReady},
		"none":           {400, "NO_STATEMENT_EXIST", pay.Refused, pay.ErrNoBill},
		"of a proxy":     {502, "NO_STATEMENT_EXIST", pay.Unsure, nil},
		"another reason": {400, "PARAM_ERROR", pay.Refused, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := billServer{refuse: refuses(test.status, `{"code":"`+test.code+`","message":"账单"}`)}.open(t)
			_, _, err := trades(t, g)
			wantFailure(t, err, "trade bill", test.outcome, test.code)
			_, fundErr := g.FundFlow(t.Context(), cafe, billDay)
			wantFailure(t, fundErr, "fund flow bill", test.outcome, test.code)
			for _, err := range []error{err, fundErr} {
				for _, known := range []error{pay.ErrBillNotReady, pay.ErrNoBill} {
					if want := errors.Is(test.want, known); errors.Is(err, known) != want {
						t.Errorf("%v is %q: %t, want %t", err, known, !want, want)
					}
				}
			}
		})
	}
}

func TestBillDay(t *testing.T) {
	t.Parallel()
	g := newUpstream(t, func(http.ResponseWriter, *http.Request) { t.Error("asked WeChat Pay") })
	for _, day := range []string{"", "2021-1-28", "20210128", "2021-02-30", "2021-01-28&bill_type=SUCCESS", evil} {
		_, err := g.TradeBill(t.Context(), cafe, day, nil)
		wantFailure(t, err, "trade bill", pay.Refused, "")
		_, err = g.FundFlow(t.Context(), cafe, day)
		wantFailure(t, err, "fund flow bill", pay.Refused, "")
	}
	_, err := g.TradeBill(t.Context(), "bakery", billDay, nil)
	wantFailure(t, err, "trade bill", pay.Unsure, "")
}

// TestBillOfAnotherMerchant has a bill whose hash is right and whose second row is not ours.
func TestBillOfAnotherMerchant(t *testing.T) {
	t.Parallel()
	lines := append([]string{}, hashedBill...)
	lines[2] = strings.Replace(lines[2], billMchID, "1900000001", 1)
	rows, sums, err := trades(t, billServer{text: bill(lines...)}.open(t))
	if len(rows) != 1 || sums != (pay.BillSums{}) {
		t.Errorf("%d rows, %+v, want the good row only", len(rows), sums)
	}
	wantFailure(t, err, "trade bill", pay.Unsure, "")
	if !strings.Contains(err.Error(), `line 3: 商户号 is "1900000001"`) {
		t.Errorf("%q, want line and mchid in it", err)
	}
}

func TestRowStopsBill(t *testing.T) {
	t.Parallel()
	g := billServer{text: bill(hashedBill...)}.open(t)
	full, n := errors.New("the books are full"), 0
	sums, err := g.TradeBill(t.Context(), cafe, billDay, func(pay.BillRow) error {
		if n++; n == 2 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || err.Error() != full.Error() || n != 2 || sums != (pay.BillSums{}) {
		t.Errorf("%+v, %v after %d rows, want %v after 2", sums, err, n, full)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	_, err = g.TradeBill(ctx, cafe, billDay, func(pay.BillRow) error {
		n++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("%v after %d rows, want an end after 1", err, n)
	}
}

func TestNoRoomForBill(t *testing.T) {
	t.Parallel()
	g := billServer{text: bill(hashedBill...)}.open(t)
	dir := g.tempDir
	g.tempDir += "/no such folder"
	_, _, err := trades(t, g)
	wantFailure(t, err, "trade bill download", pay.Unsure, "")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want the reason kept", err)
	}
	g.tempDir = dir
}

func TestBillLimit(t *testing.T) {
	t.Parallel()
	text := bill(hashedBill...)
	for limit, ok := range map[int64]bool{
		int64(len(text)) - 1: false, int64(len(text)): true, int64(len(text)) + 1: true, 0: false,
	} {
		for name, body := range map[string][]byte{"plain": text, "packed": packed(text)} {
			s, err := newSpool(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			err = s.fill(bytes.NewReader(body), limit, sha1Of(text))
			if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "more than") {
				t.Errorf("%d bytes, %s, within %d: %v", len(text), name, limit, err)
			}
			info, err := s.Stat()
			if err != nil || info.Mode().Perm() != 0o600 || info.Size() > limit+1 {
				t.Errorf("file %v of %d bytes, %v", info.Mode(), info.Size(), err)
			}
			s.discard()
			if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
				t.Errorf("after discard: %v, want it closed", err)
			}
		}
	}
}

// TestSpoolWithName is how it goes where an open file keeps its name.
func TestSpoolWithName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, err := os.CreateTemp(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	(&spool{File: file, named: true}).discard()
	wantEmpty(t, dir)
}

func wantRows(t *testing.T, got, want []pay.BillRow) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d: %+v", len(got), len(want), got)
	}
	for i := range got {
		if !got[i].At.Equal(want[i].At) {
			t.Errorf("row %d at %v, want %v", i, got[i].At, want[i].At)
		}
		got[i].At = want[i].At
		if got[i] != want[i] {
			t.Errorf("row %d\n%+v, want\n%+v", i, got[i], want[i])
		}
	}
}

// at reads a time of Beijing.
func at(text string) time.Time {
	made, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "T", 1)+"+08:00")
	if err != nil {
		panic(err)
	}
	return made
}
