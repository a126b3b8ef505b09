package wechat

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

// refundResource is what a refund callback carries (doc 4013071196).
func refundResource(status string) object {
	return object{
		"mchid": "1900007291", "out_trade_no": number, "transaction_id": "4200000000202601010000000001",
		"out_refund_no": string(refundID), "refund_id": "50000000382019052709732678859", "refund_status": status,
		"success_time": "2026-01-02T12:00:00+08:00", "user_received_account": "招商银行信用卡0403",
		"amount": object{"total": 100, "refund": 30, "payer_total": 90, "payer_refund": 27},
	}
}

// goodRefundCallback is right unless a test changes it.
func goodRefundCallback(status string) callback {
	c := goodCallback()
	c.plain, c.aad = refundResource(status), "refund"
	c.resource = func(o object) { o["original_type"] = "refund" }
	c.envelope = func(o object) { o["event_type"], o["summary"] = "REFUND."+status, "退款成功" }
	return c
}

// then does one change after another.
func then(first, second func(object)) func(object) {
	return func(o object) { first(o); second(o) }
}

func TestOpenRefund(t *testing.T) {
	t.Parallel()
	g := newGateway(t, "", nil)
	for status, state := range map[string]pay.RefundState{
		"SUCCESS": pay.RefundSucceeded, "ABNORMAL": pay.RefundAbnormal, "CLOSED": pay.RefundClosed,
	} {
		h, body := goodRefundCallback(status).make()
		report, err := g.OpenRefund(cafe, h, body)
		if err != nil {
			t.Fatal(err)
		}
		wantReport(t, report, refundReport(pay.FromCallback, state))
	}
	c := goodRefundCallback("SUCCESS")
	c.plain["success_time"] = nil
	h, body := c.make()
	if report, err := g.OpenRefund(cafe, h, body); err != nil || time.Since(report.DoneAt).Abs() > time.Minute {
		t.Errorf("without success_time: %+v, %v, want the time of the signature", report, err)
	}
}

func TestOpenRefundRejects(t *testing.T) {
	t.Parallel()
	plain := func(name string, value any) func(c *callback) {
		return func(c *callback) { c.plain[name] = value }
	}
	resource := func(name string, value any) func(c *callback) {
		return func(c *callback) { c.resource = then(c.resource, func(o object) { o[name] = value }) }
	}
	event := func(name string) func(c *callback) {
		return func(c *callback) { c.envelope = then(c.envelope, func(o object) { o["event_type"] = name }) }
	}
	header := func(name, value string) func(c *callback) {
		return func(c *callback) { c.header = func(h http.Header) { h.Set("Wechatpay-"+name, value) } }
	}
	without := func(c *callback) { c.envelope = then(c.envelope, func(o object) { delete(o, "resource") }) }
	for name, test := range map[string]rejection{
		"a payment":            {func(c *callback) { *c = goodCallback() }, Unexpected, "TRANSACTION.SUCCESS"},
		"stranger's key":       {func(c *callback) { c.signer = keys().strangers }, Forged, "PUB_KEY_ID_"},
		"probe":                {header("Signature", probePrefix+"c0k"), Probe, "harmless"},
		"another key":          {header("Serial", "PUB_KEY_ID_7"), UnknownKey, "configured"},
		"replay":               {func(c *callback) { c.at = c.at.Add(-10 * time.Minute) }, Stale, "behind"},
		"changed on its way":   {func(c *callback) { c.delivered = func(b []byte) []byte { return b[1:] } }, Forged, ""},
		"no resource":          {without, Malformed, "no resource"},
		"no longer processing": {event("REFUND.PROCESSING"), Unexpected, "REFUND.PROCESSING"},
		"evil event":           {event(evil), Unexpected, `"evil\r\n`},
		"original type":        {resource("original_type", "transaction"), Unexpected, "want refund"},
		"short nonce":          {resource("nonce", "0123"), Malformed, "4 bytes"},
		"another ciphertext":   {resource("associated_data", "transaction"), Undecryptable, "api_v3_key"},
		"another merchant's":   {plain("mchid", "1900000001"), Unexpected, `mchid is "1900000001"`},
		"a service provider's": {plain("mchid", nil), Unexpected, `mchid is ""`},
		"another status":       {plain("refund_status", "CLOSED"), Unexpected, `refund_status is "CLOSED"`},
		"status of answers": {func(c *callback) {
			c.plain["refund_status"], c.plain["status"] = nil, "SUCCESS"
		}, Unexpected, `refund_status is ""`},
		"no number":    {plain("out_refund_no", ""), Malformed, "four numbers"},
		"no refund_id": {plain("refund_id", ""), Malformed, "four numbers"},
		"no payment":   {plain("transaction_id", ""), Malformed, "four numbers"},
		"no order":     {plain("out_trade_no", ""), Malformed, "four numbers"},
		"no amount":    {plain("amount", nil), Malformed, "0 fen"},
		"parts of fen": {plain("amount", object{"refund": 0.5, "total": 1}), Malformed, "decode"},
		"no total":     {plain("amount", object{"refund": 2}), Malformed, "2 fen out of 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := goodRefundCallback("SUCCESS")
			test.change(&c)
			h, body := c.make()
			report, err := newGateway(t, "", nil).OpenRefund(cafe, h, body)
			if !isRejected(err, test.reason) || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("%+v, %v, want %q with %q", report, err, test.reason, test.text)
			}
			wantSafe(t, err)
			if report != (pay.RefundReport{}) {
				t.Errorf("a report beside the error: %+v", report)
			}
		})
	}
}

func TestOpenPaymentRejectsRefund(t *testing.T) {
	t.Parallel()
	h, body := goodRefundCallback("SUCCESS").make()
	if n, err := newGateway(t, "", nil).OpenPayment(cafe, h, body); !isRejected(err, Unexpected) {
		t.Errorf("%+v, %v, want %q", n, err, Unexpected)
	}
}

func TestOpenRefundOfAnotherMerchant(t *testing.T) {
	t.Parallel()
	// The same keys with another mchid: one person who has two accounts and copied the wrong line.
	a := testAccount()
	a.MchID = "1900000001"
	g, err := New(map[pay.MerchantID]Account{"bakery": a}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	h, body := goodRefundCallback("SUCCESS").make()
	if _, err := g.OpenRefund("bakery", h, body); !isRejected(err, Unexpected) {
		t.Errorf("the cafe's refund at the bakery: %v, want %q", err, Unexpected)
	}
	if _, err := g.OpenRefund("nobody", h, body); !isRejected(err, NoMerchant) {
		t.Errorf("at nobody's: %v, want %q", err, NoMerchant)
	}
}

// TestOpenRefundSurvivesPanics makes the verifier panic, since no input is known that does.
func TestOpenRefundSurvivesPanics(t *testing.T) {
	t.Parallel()
	h, body := goodRefundCallback("SUCCESS").make()
	g := &Gateway{}
	g.accounts.Store(&map[pay.MerchantID]*account{cafe: {keys: &keyring{id: keyID}}}) // no verifier
	if _, err := g.OpenRefund(cafe, h, body); !isRejected(err, Broken) {
		t.Errorf("%v, want %q", err, Broken)
	}
}

// FuzzOpenRefund throws bodies, and resources inside an envelope that is right, at OpenRefund. It must neither
// panic nor accept what is unsigned or lacks a part.
func FuzzOpenRefund(f *testing.F) {
	g := newGateway(f, "", nil)
	for _, status := range []string{"SUCCESS", "ABNORMAL", "CLOSED"} {
		_, body := goodRefundCallback(status).make()
		f.Add(body, encode(refundResource(status)), "REFUND."+status)
	}
	f.Fuzz(func(t *testing.T, body, plain []byte, event string) {
		h := http.Header{}
		sign(h, keys().strangers, time.Now(), body)
		if report, err := g.OpenRefund(cafe, h, body); err == nil || isRejected(err, Broken) {
			t.Errorf("unsigned %q: %+v, %v", body, report, err)
		}
		sign(h, keys().wechats, time.Now(), body)
		if _, err := g.OpenRefund(cafe, h, body); isRejected(err, Broken) {
			t.Errorf("panicked on %q", body)
		}
		inner := encode(object{"event_type": event, "resource": object{
			"algorithm": algorithm, "original_type": "refund", "nonce": nonce,
			"ciphertext": seal(apiV3Key, nonce, "", string(plain)),
		}})
		sign(h, keys().wechats, time.Now(), inner)
		report, err := g.OpenRefund(cafe, h, inner)
		if r, ok := errors.AsType[*Rejection](err); err != nil && (!ok || r.Reason == Broken) {
			t.Errorf("error %v on %q", err, inner)
		}
		if err != nil {
			return
		}
		done := report.State == pay.RefundSucceeded
		if report.ID == "" || report.Amount <= 0 || report.Total <= 0 || report.Merchant != cafe ||
			report.State == pay.RefundProcessing || report.State == "" || done == report.DoneAt.IsZero() {
			t.Errorf("accepted %+v", report)
		}
	})
}
