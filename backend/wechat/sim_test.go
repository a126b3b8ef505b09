package wechat

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// patience is how long a test waits for what comes at once unless the code is broken.
const patience = 20 * time.Second

// An opening is what OpenPayment made of one callback.
type opening struct {
	notice pay.Notice
	err    error
}

// A shop is a merchant's program in front of a simulator, over real HTTP both ways.
type shop struct {
	*Gateway
	sim      *wechatsim.Server
	openings chan opening
}

func newShop(t *testing.T) *shop {
	t.Helper()
	// 1000 times as fast: a callback that was refused comes again after 15 ms.
	sim, err := wechatsim.New(wechatsim.Options{Speed: 1000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	upstream := httptest.NewServer(sim)
	t.Cleanup(upstream.Close)
	s := &shop{sim: sim, openings: make(chan opening, 100)}
	notify := httptest.NewServer(http.HandlerFunc(s.notify))
	t.Cleanup(notify.Close)

	m := sim.Merchant()
	a := Account{
		APIURL: upstream.URL, AppID: m.AppID, MchID: m.MchID, Serial: m.Serial, APIv3Key: m.APIv3Key,
		PublicKeyID: m.PublicKeyID, NotifyURL: notify.URL + "/notify/cafe/payment",
		AppSecret: m.AppSecret, OAuthURL: upstream.URL, OpenURL: upstream.URL,
	}
	if a.PrivateKey, err = ParsePrivateKey(m.PrivateKeyPEM); err != nil {
		t.Fatal(err)
	}
	if a.PublicKey, err = ParsePublicKey(m.PublicKeyPEM); err != nil {
		t.Fatal(err)
	}
	if s.Gateway, err = New(map[pay.MerchantID]Account{cafe: a}, Options{}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) notify(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n, err := s.OpenPayment(cafe, r.Header, body)
	s.openings <- opening{n, err}
	if rejection, ok := errors.AsType[*Rejection](err); ok {
		w.WriteHeader(rejection.HTTPStatus())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *shop) next(t *testing.T) opening {
	t.Helper()
	select {
	case o := <-s.openings:
		return o
	case <-time.After(patience):
		t.Fatal("no callback")
		return opening{}
	}
}

func (s *shop) compose(t *testing.T, number string) []byte {
	t.Helper()
	request, err := s.Compose(pay.Prepay{
		Merchant: cafe, OutTradeNo: number, Total: 2800, Description: "拿铁 <大杯> & 蛋糕",
		ExpiresAt: time.Now().Add(15 * time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func (s *shop) order(t *testing.T, number string) (codeURL string) {
	t.Helper()
	codeURL, err := s.Prepay(t.Context(), cafe, pay.Native, s.compose(t, number))
	if err != nil {
		t.Fatal(err)
	}
	return codeURL
}

func (s *shop) pay(t *testing.T, codeURL string) {
	t.Helper()
	if _, err := s.sim.Pay(codeURL, ""); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) wantState(t *testing.T, number string, want pay.TradeState) pay.Trade {
	t.Helper()
	trade, err := s.Query(t.Context(), cafe, number)
	if err != nil || trade.State != want {
		t.Fatalf("query: %q, %v, want %q", trade.State, err, want)
	}
	return trade
}

func TestSimulatorPayment(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, err := s.Query(t.Context(), cafe, number)
	wantFailure(t, err, "query", pay.Missing, "ORDER_NOT_EXIST")

	first := s.order(t, number)
	s.wantState(t, number, pay.TradeNotPaid)
	request := s.compose(t, "ORDER0002")
	one, err := s.Prepay(t.Context(), cafe, pay.Native, request)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Prepay(t.Context(), cafe, pay.Native, request); err != nil || again == one {
		t.Errorf("repeated: %q, %v, want another code_url than %q", again, err, one)
	}
	s.pay(t, first)
	o := s.next(t)
	if o.err != nil {
		t.Fatal(o.err)
	}
	m := s.sim.Merchant()
	if n := o.notice; n.Merchant != cafe || n.Source != pay.FromCallback || n.MchID != m.MchID || n.AppID != m.AppID ||
		n.OutTradeNo != number || n.TransactionID == "" || n.Total != 2800 || n.Currency != "CNY" ||
		time.Since(n.PaidAt).Abs() > time.Minute {
		t.Errorf("callback's notice %+v", n)
	}
	trade := s.wantState(t, number, pay.TradeSuccess)
	o.notice.Source = pay.FromQuery
	wantNotice(t, trade.Notice, o.notice)

	// The documentation names no code for this.
	if e := gatewayError(t, s.Close(t.Context(), cafe, number)); e.Outcome != pay.Refused || e.Code == "" {
		t.Errorf("close of a paid order: %v, want it refused with a code", e)
	}
}

func TestSimulatorClose(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	request := s.compose(t, number)
	if _, err := s.Prepay(t.Context(), cafe, pay.Native, request); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(t.Context(), cafe, number); err != nil {
			t.Fatal(err)
		}
	}
	s.wantState(t, number, pay.TradeClosed)
	_, err := s.Prepay(t.Context(), cafe, pay.Native, request)
	wantFailure(t, err, "prepay", pay.Refused, "ORDER_CLOSED")
}

func TestSimulatorCallFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults wechatsim.CallFaults
		code   string
		done   bool // at WeChat Pay, behind our back
	}{
		"too many":     {wechatsim.CallFaults{TooMany: 1}, "FREQUENCY_LIMITED", false},
		"unavailable":  {wechatsim.CallFaults{Unavailable: 1}, "SERVICE_UNAVAILABLE", false},
		"error before": {wechatsim.CallFaults{ErrorBefore: 1}, "SYSTEM_ERROR", false},
		"error after":  {wechatsim.CallFaults{ErrorAfter: 1}, "SYSTEM_ERROR", true},
		"bad answer":   {wechatsim.CallFaults{BadSignature: 1}, "", true},
		"probe":        {wechatsim.CallFaults{ProbeSignature: 1}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.sim.SetFaults(wechatsim.Faults{Prepay: test.faults})
			request := s.compose(t, number)
			_, err := s.Prepay(t.Context(), cafe, pay.Native, request)
			wantFailure(t, err, "prepay", pay.Unsure, test.code)
			_, err = s.Query(t.Context(), cafe, number)
			if done := err == nil; done != test.done {
				t.Errorf("query: %v, want done: %t", err, test.done)
			}
			if codeURL, err := s.Prepay(t.Context(), cafe, pay.Native, request); err != nil || codeURL == "" {
				t.Errorf("the identical request again: %q, %v", codeURL, err)
			}
		})
	}
}

func TestSimulatorHangs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sim.SetFaults(wechatsim.Faults{Prepay: wechatsim.CallFaults{HangAfter: 1}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // the customer leaves as soon as WeChat Pay has done the work
		defer cancel()
		for end := time.Now().Add(patience); len(s.sim.Trades()) == 0 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := s.Prepay(ctx, cafe, pay.Native, s.compose(t, number))
	wantFailure(t, err, "prepay", pay.Unsure, "")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	s.wantState(t, number, pay.TradeNotPaid)
}

func TestSimulatorCallbackFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults wechatsim.CallbackFaults
		reason Reason // of the first callback; empty: it is good
	}{
		"probe":              {wechatsim.CallbackFaults{ProbeSignature: 1}, Probe},
		"bad signature":      {wechatsim.CallbackFaults{BadSignature: 1}, Forged},
		"unknown serial":     {wechatsim.CallbackFaults{UnknownSerial: 1}, UnknownKey},
		"old":                {wechatsim.CallbackFaults{OldTimestamp: 1}, Stale},
		"truncated":          {wechatsim.CallbackFaults{Truncated: 1}, Forged},
		"no resource":        {wechatsim.CallbackFaults{NoResource: 1}, Malformed},
		"wrong nonce":        {wechatsim.CallbackFaults{WrongNonce: 1}, Malformed},
		"no associated data": {wechatsim.CallbackFaults{NoAssociatedData: 1}, ""},
		"reordered":          {wechatsim.CallbackFaults{Reordered: 1}, ""},
		"lower case":         {wechatsim.CallbackFaults{LowerCase: 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			codeURL := s.order(t, number)
			s.sim.SetFaults(wechatsim.Faults{Callback: test.faults})
			s.pay(t, codeURL)
			o := s.next(t)
			if test.reason != "" {
				if !isRejected(o.err, test.reason) {
					t.Fatalf("first callback: %v, want %q", o.err, test.reason)
				}
				wantSafe(t, o.err)
				o = s.next(t)
			}
			if o.err != nil || o.notice.OutTradeNo != number || o.notice.Total != 2800 {
				t.Errorf("good callback: %+v, %v", o.notice, o.err)
			}
		})
	}
}

func TestSimulatorLiesAreForSettle(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	codeURL := s.order(t, number)
	s.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{WrongAmount: 1}})
	s.pay(t, codeURL)
	if o := s.next(t); o.err != nil || o.notice.Total != 2801 {
		t.Errorf("wrong amount: %+v, %v, want it passed on", o.notice, o.err)
	}
}
