package wechat

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

// refundID is our number of the refund of these tests.
const refundID = pay.RefundID("REFUND0001")

// refunded is a refund as an answer tells it (doc 4013071041).
func refunded(change object) object {
	o := object{
		"refund_id": "50000000382019052709732678859", "out_refund_no": string(refundID),
		"transaction_id": "4200000000202601010000000001", "out_trade_no": number, "channel": "ORIGINAL",
		"user_received_account": "招商银行信用卡0403", "success_time": "2026-01-02T12:00:00+08:00",
		"create_time": "2026-01-02T11:59:00+08:00", "status": "SUCCESS", "funds_account": "AVAILABLE",
		"amount": object{
			"total": 100, "refund": 30, "payer_total": 90, "payer_refund": 27, "settlement_refund": 30,
			"settlement_total": 100, "discount_refund": 3, "currency": "CNY", "from": []any{},
		},
		"promotion_detail": []any{},
	}
	for key, value := range change {
		o[key] = value
	}
	return o
}

func refundReport(source pay.Source, state pay.RefundState) pay.RefundReport {
	r := pay.RefundReport{
		Merchant: cafe, Source: source, ID: refundID, WeChatID: "50000000382019052709732678859", OutTradeNo: number,
		TransactionID: "4200000000202601010000000001", State: state, Amount: 30, Total: 100,
	}
	if state == pay.RefundSucceeded {
		r.DoneAt = time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	}
	return r
}

func wantReport(t *testing.T, got, want pay.RefundReport) {
	t.Helper()
	if !got.DoneAt.Equal(want.DoneAt) {
		t.Errorf("done at %v, want %v", got.DoneAt, want.DoneAt)
	}
	got.DoneAt = want.DoneAt
	if got != want {
		t.Errorf("report\n%+v, want\n%+v", got, want)
	}
}

func refundTerms() pay.RefundTerms {
	return pay.RefundTerms{
		Merchant: cafe, ID: refundID, TransactionID: "4200000000202601010000000001", Amount: 30, Total: 100,
		Reason: `"冷" & 苦`,
	}
}

func TestComposeRefund(t *testing.T) {
	t.Parallel()
	g := newGateway(t, "", nil)
	const before = `{"transaction_id":"4200000000202601010000000001","out_refund_no":"REFUND0001",`
	const after = `"notify_url":"https://pay.example/notify/cafe/refund",` +
		`"amount":{"refund":30,"total":100,"currency":"CNY"}}`
	for reason, want := range map[string]string{
		`"冷" & 苦`: before + `"reason":"\"冷\" \u0026 苦",` + after,
		"":        before + after,
	} {
		terms := refundTerms()
		terms.Reason = reason
		if got, err := g.ComposeRefund(terms); err != nil || string(got) != want {
			t.Errorf("composed\n%s, %v, want\n%s", got, err, want)
		}
	}
	for name, change := range map[string]func(r *pay.RefundTerms){
		"a full refund": func(r *pay.RefundTerms) { r.Amount = r.Total },
		"a long reason": func(r *pay.RefundTerms) { r.Reason = strings.Repeat("长", 26) + "xx" }, // 80 bytes
		"a long number": func(r *pay.RefundTerms) { r.ID = pay.RefundID(strings.Repeat("r", 64)) },
		"dashes":        func(r *pay.RefundTerms) { r.ID = "re_01-2" },
	} {
		terms := refundTerms()
		change(&terms)
		if _, err := g.ComposeRefund(terms); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestComposeRefundRefuses(t *testing.T) {
	t.Parallel()
	g := newGateway(t, "", nil)
	for name, test := range map[string]struct {
		change func(r *pay.RefundTerms)
		text   string
	}{
		"no number":        {func(r *pay.RefundTerms) { r.ID = "" }, "out_refund_no"},
		"65 bytes":         {func(r *pay.RefundTerms) { r.ID = pay.RefundID(strings.Repeat("r", 65)) }, "out_refund_no"},
		"a number with *":  {func(r *pay.RefundTerms) { r.ID = "REFUND*1" }, "out_refund_no"},
		"no payment":       {func(r *pay.RefundTerms) { r.TransactionID = "" }, "transaction_id"},
		"33 bytes":         {func(r *pay.RefundTerms) { r.TransactionID = strings.Repeat("4", 33) }, "transaction_id"},
		"another alphabet": {func(r *pay.RefundTerms) { r.TransactionID = "４２" }, "transaction_id"},
		"nothing":          {func(r *pay.RefundTerms) { r.Amount = 0 }, "above 0 fen"},
		"less":             {func(r *pay.RefundTerms) { r.Amount = -1 }, "above 0 fen"},
		"too much":         {func(r *pay.RefundTerms) { r.Amount = 101 }, "at most the total of 100 fen"},
		"81 bytes":         {func(r *pay.RefundTerms) { r.Reason = strings.Repeat("长", 27) }, "80 bytes"},
		"an emoji":         {func(r *pay.RefundTerms) { r.Reason = "☕🎉" }, "reason"},
		"not UTF-8":        {func(r *pay.RefundTerms) { r.Reason = "caf\xe9" }, "reason"},
		"nobody":           {func(r *pay.RefundTerms) { r.Merchant = "bakery" }, `"bakery" has no account`},
	} {
		terms := refundTerms()
		test.change(&terms)
		if got, err := g.ComposeRefund(terms); err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %s, %v, want an error with %q", name, got, err, test.text)
		}
	}
	a := testAccount()
	a.RefundNotifyURL = ""
	g, err := New(map[pay.MerchantID]Account{cafe: a}, Options{})
	if err != nil {
		t.Fatalf("an account without refunds: %v", err)
	}
	if _, err := g.ComposeRefund(refundTerms()); err == nil || !strings.Contains(err.Error(), "refund callbacks") {
		t.Errorf("no address for callbacks: %v, want an error that says so", err)
	}
}

func TestRefund(t *testing.T) {
	t.Parallel()
	// Not how any encoder would write it: the bytes must arrive untouched.
	request := []byte("{ \"reason\":\"<&>\\u0026\" ,\n\"out_refund_no\": \"REFUND0001\"}\n ")
	g := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if body := authorized(t, r); !bytes.Equal(body, request) {
			t.Errorf("sent %q, want %q", body, request)
		}
		if r.Method != http.MethodPost || r.RequestURI != "/v3/refund/domestic/refunds" {
			t.Errorf("%s %s", r.Method, r.RequestURI)
		}
		answers(200, encode(refunded(object{"status": "PROCESSING", "success_time": nil})))(w, r)
	})
	got, err := g.Refund(t.Context(), cafe, request)
	if err != nil {
		t.Fatal(err)
	}
	wantReport(t, got, refundReport(pay.FromQuery, pay.RefundProcessing))
}

func TestQueryRefund(t *testing.T) {
	t.Parallel()
	for status, state := range map[string]pay.RefundState{
		"PROCESSING": pay.RefundProcessing, "SUCCESS": pay.RefundSucceeded, "ABNORMAL": pay.RefundAbnormal,
		"CLOSED": pay.RefundClosed,
	} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			g := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
				authorized(t, r)
				if r.Method != http.MethodGet || r.RequestURI != "/v3/refund/domestic/refunds/REFUND0001" {
					t.Errorf("%s %s", r.Method, r.RequestURI)
				}
				answers(200, encode(refunded(object{"status": status})))(w, r)
			})
			got, err := g.QueryRefund(t.Context(), cafe, refundID)
			if err != nil {
				t.Fatal(err)
			}
			wantReport(t, got, refundReport(pay.FromQuery, state))
		})
	}
}

func TestRefundAnswersPassOnWhatTheDomainCompares(t *testing.T) {
	t.Parallel()
	g := newUpstream(t, answers(200, encode(refunded(object{"amount": object{"refund": 101, "total": 100}}))))
	for op, call := range refundCalls(g) {
		if got, err := call(t); err != nil || got.Amount != 101 || got.Total != 100 {
			t.Errorf("%s: %+v, %v, want what the answer says", op, got, err)
		}
	}
}

// TestRefundAnswers has answers that are signed and yet do not say what was asked.
func TestRefundAnswers(t *testing.T) {
	t.Parallel()
	change := func(key string, value any) []byte { return encode(refunded(object{key: value})) }
	for name, test := range map[string]struct {
		body []byte
		text string
	}{
		"another refund":       {change("out_refund_no", "REFUND0002"), `about out_refund_no "REFUND0002"`},
		"no number":            {change("out_refund_no", nil), `about out_refund_no ""`},
		"no refund_id":         {change("refund_id", ""), "four numbers"},
		"no payment":           {change("transaction_id", ""), "four numbers"},
		"no order":             {change("out_trade_no", ""), "four numbers"},
		"a status of bills":    {change("status", "CHANGE"), `status "CHANGE"`},
		"no status":            {change("status", nil), `status ""`},
		"status of callbacks":  {encode(refunded(object{"status": nil, "refund_status": "SUCCESS"})), `status ""`},
		"an evil status":       {change("status", evil), `"evil\r\n`},
		"no amount":            {change("amount", nil), "0 fen"},
		"no refund":            {change("amount", object{"total": 100}), "0 fen out of 100"},
		"no total":             {change("amount", object{"refund": 30}), "30 fen out of 0"},
		"less than nothing":    {change("amount", object{"refund": -30, "total": 100}), "-30 fen"},
		"parts of fen":         {change("amount", object{"refund": 0.5, "total": 100}), "decode"},
		"text for fen":         {change("amount", object{"refund": "30", "total": 100}), "decode"},
		"dollars":              {change("amount", object{"refund": 30, "total": 100, "currency": "USD"}), `"USD"`},
		"no JSON":              {[]byte("<html>"), "decode"},
		"nothing":              {nil, "decode"},
		"null":                 {[]byte("null"), "out_refund_no"},
		"a list, not a refund": {[]byte("[]"), "decode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newUpstream(t, answers(200, test.body))
			for op, call := range refundCalls(g) {
				got, err := call(t)
				if err == nil {
					t.Fatalf("%s: accepted %+v", op, got)
				}
				wantFailure(t, err, op, pay.Unsure, "")
				if got != (pay.RefundReport{}) {
					t.Errorf("%s: a report beside the error: %+v", op, got)
				}
				if e := gatewayError(t, err); e.Status != 200 || e.RequestID == "" {
					t.Errorf("%s: status %d, request %q, want them kept", op, e.Status, e.RequestID)
				}
				if !strings.Contains(err.Error(), test.text) {
					t.Errorf("%s: %q, want %q in it", op, err, test.text)
				}
			}
		})
	}
}

// refundCalls are both calls that answer with a report.
func refundCalls(g *Gateway) map[string]func(*testing.T) (pay.RefundReport, error) {
	return map[string]func(*testing.T) (pay.RefundReport, error){
		"refund": func(t *testing.T) (pay.RefundReport, error) {
			return g.Refund(t.Context(), cafe, []byte(`{"out_refund_no":"REFUND0001"}`))
		},
		"query refund": func(t *testing.T) (pay.RefundReport, error) {
			return g.QueryRefund(t.Context(), cafe, refundID)
		},
	}
}

func TestRefundRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status         int
		body           string
		refund, query  pay.Outcome
		code, contains string
	}{
		"bad request": {400, `{"code":"INVALID_REQUEST","message":"订单已超期"}`, pay.Refused, pay.Refused,
			"INVALID_REQUEST", "订单已超期"},
		"signature":    {401, `{"code":"SIGN_ERROR"}`, pay.Refused, pay.Refused, "SIGN_ERROR", "401"},
		"no money":     {403, `{"code":"NOT_ENOUGH","message":"余额不足"}`, pay.Refused, pay.Refused, "NOT_ENOUGH", "余额不足"},
		"account gone": {403, `{"code":"USER_ACCOUNT_ABNORMAL"}`, pay.Refused, pay.Refused, "USER_ACCOUNT_ABNORMAL", "403"},
		"unknown":      {404, `{"code":"RESOURCE_NOT_EXISTS"}`, pay.Refused, pay.Missing, "RESOURCE_NOT_EXISTS", "404"},
		"no merchant":  {404, `{"code":"MCH_NOT_EXISTS"}`, pay.Refused, pay.Refused, "MCH_NOT_EXISTS", "404"},
		"unknown path": {404, ``, pay.Unsure, pay.Unsure, "", "something in between"},
		"too many":     {429, `{"code":"FREQUENCY_LIMITED"}`, pay.Unsure, pay.Unsure, "FREQUENCY_LIMITED", "429"},
		"too many now": {429, `{"code":"RATELIMIT_EXCEEDED"}`, pay.Unsure, pay.Unsure, "RATELIMIT_EXCEEDED", "429"},
		"system":       {500, `{"code":"SYSTEM_ERROR"}`, pay.Unsure, pay.Unsure, "SYSTEM_ERROR", "500"},
		"system says":  {500, `{"code":"RESOURCE_NOT_EXISTS"}`, pay.Unsure, pay.Unsure, "RESOURCE_NOT_EXISTS", "500"},
		"unavailable":  {503, `{"code":"SERVICE_UNAVAILABLE"}`, pay.Unsure, pay.Unsure, "SERVICE_UNAVAILABLE", "503"},
		"gateway":      {502, `<html>`, pay.Unsure, pay.Unsure, "", "502"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newUpstream(t, refuses(test.status, test.body))
			want := map[string]pay.Outcome{"refund": test.refund, "query refund": test.query}
			for op, call := range refundCalls(g) {
				_, err := call(t)
				wantFailure(t, err, op, want[op], test.code)
				if !strings.Contains(err.Error(), test.contains) {
					t.Errorf("%s: %q, want %q in it", op, err, test.contains)
				}
			}
		})
	}
}

func TestRefundUnverified(t *testing.T) {
	t.Parallel()
	good := encode(refunded(nil))
	for name, answer := range map[string]http.HandlerFunc{
		"unsigned": refuses(200, string(good)),
		"stranger's key": func(w http.ResponseWriter, _ *http.Request) {
			sign(w.Header(), keys().strangers, time.Now(), good)
			_, _ = w.Write(good)
		},
		"other body": func(w http.ResponseWriter, _ *http.Request) {
			sign(w.Header(), keys().wechats, time.Now(), good)
			_, _ = w.Write(append([]byte(" "), good...))
		},
		"accepted":    answers(202, good),
		"no content":  answers(204, nil),
		"no such end": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for op, call := range refundCalls(newUpstream(t, answer)) {
				got, err := call(t)
				if err == nil {
					t.Fatalf("%s: accepted %+v", op, got)
				}
				wantFailure(t, err, op, pay.Unsure, "")
			}
		})
	}
}

// TestRefundAnswerIsHeldAgainstRequest has the answer to another refund than the stored request's.
func TestRefundAnswerIsHeldAgainstRequest(t *testing.T) {
	t.Parallel()
	g := newUpstream(t, answers(200, encode(refunded(nil))))
	_, err := g.Refund(t.Context(), cafe, []byte(`{"out_refund_no":"REFUND0002"}`))
	wantFailure(t, err, "refund", pay.Unsure, "")
	if !strings.Contains(err.Error(), `about out_refund_no "REFUND0001"`) {
		t.Errorf("%q, want the other number in it", err)
	}
}

// TestRefundOfSpoiledRequest has stored bytes whose answer could not be checked: they are not sent.
func TestRefundOfSpoiledRequest(t *testing.T) {
	t.Parallel()
	g := newUpstream(t, func(http.ResponseWriter, *http.Request) { t.Error("sent it") })
	for _, request := range []string{"", "null", "{", `{}`, `{"out_refund_no":""}`, `{"out_refund_no":7}`} {
		_, err := g.Refund(t.Context(), cafe, []byte(request))
		wantFailure(t, err, "refund", pay.Unsure, "")
	}
}

func TestUnreadableRefundTime(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]any{"missing": nil, "empty": "", "another form": "20260102120000"} {
		g := newUpstream(t, answers(200, encode(refunded(object{"success_time": text}))))
		report, err := g.QueryRefund(t.Context(), cafe, refundID)
		if err != nil {
			t.Errorf("%s: a refund is lost for want of its time: %v", name, err)
		}
		if ago := time.Since(report.DoneAt); ago < 0 || ago > time.Minute {
			t.Errorf("%s: done at %v, want the time of the signature", name, report.DoneAt)
		}
	}
}

func TestRefundNumberIsEscaped(t *testing.T) {
	t.Parallel()
	g := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		authorized(t, r)
		if want := "/v3/refund/domestic/refunds/A%7CB%2F..%3Fx"; r.RequestURI != want {
			t.Errorf("asked %s, want %s", r.RequestURI, want)
		}
		refuses(404, `{"code":"RESOURCE_NOT_EXISTS"}`)(w, r)
	})
	_, err := g.QueryRefund(t.Context(), cafe, "A|B/..?x")
	wantFailure(t, err, "query refund", pay.Missing, "RESOURCE_NOT_EXISTS")
}
