package wechat

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// A till is a merchant's program in front of a simulator, without a network between them, so that both live by
// the clock of a synctest bubble: a day passes at once.
type till struct {
	*Gateway
	sim     *wechatsim.Server
	reports chan reportOrError
}

type reportOrError struct {
	pay.RefundReport
	err error
}

// bubbleMerchant has its keys made once per run.
var bubbleMerchant = sync.OnceValues(wechatsim.NewMerchant)

// inBubble runs a test with a till of its own.
func inBubble(t *testing.T, test func(t *testing.T, s *till)) {
	t.Helper()
	t.Parallel()
	m, err := bubbleMerchant()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &till{reports: make(chan reportOrError, 100)}
		var err error
		s.sim, err = wechatsim.New(wechatsim.Options{Merchant: m, Transport: direct(http.HandlerFunc(s.notify))})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.sim.Close() }() // or the bubble does not end
		a := Account{
			APIURL: "https://api.mch.weixin.qq.com", AppID: m.AppID, MchID: m.MchID, Serial: m.Serial,
			APIv3Key: m.APIv3Key, PublicKeyID: m.PublicKeyID,
			NotifyURL: "https://pay.example/payment", RefundNotifyURL: "https://pay.example/refund",
		}
		private, err1 := ParsePrivateKey(m.PrivateKeyPEM)
		public, err2 := ParsePublicKey(m.PublicKeyPEM)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		a.PrivateKey, a.PublicKey = private, public
		s.Gateway, err = New(map[pay.MerchantID]Account{cafe: a},
			Options{Transport: direct(s.sim), TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
		wantEmpty(t, s.tempDir)
	})
}

// direct carries requests to a handler.
func direct(h http.Handler) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		body := r.Body
		if body == nil {
			body = http.NoBody
		}
		arrived := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.RequestURI(), body)
		arrived.Host = r.URL.Host
		for name, values := range r.Header {
			arrived.Header[http.CanonicalHeaderKey(name)] = values // as a server reads them
		}
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, arrived)
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return recorder.Result(), nil
	})
}

func (s *till) notify(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil && r.URL.Path == "/refund" {
		var report pay.RefundReport
		report, err = s.OpenRefund(cafe, r.Header, body)
		s.reports <- reportOrError{report, err}
	} else if err == nil {
		_, err = s.OpenPayment(cafe, r.Header, body)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// sell makes an order of 28 yuan and has it paid.
func (s *till) sell(t *testing.T, number, description string) wechatsim.Trade {
	t.Helper()
	request, err := s.Compose(pay.Prepay{
		Merchant: cafe, OutTradeNo: number, Total: 2800, Description: description,
		ExpiresAt: time.Now().Add(15 * time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	codeURL, err := s.Prepay(t.Context(), cafe, pay.Native, request)
	if err != nil {
		t.Fatal(err)
	}
	trade, err := s.sim.Pay(codeURL, "")
	if err != nil {
		t.Fatal(err)
	}
	return trade
}

// compose renders a refund of a part.
func (s *till) compose(t *testing.T, sold wechatsim.Trade, amount pay.Fen) []byte {
	t.Helper()
	request, err := s.ComposeRefund(pay.RefundTerms{
		Merchant: cafe, ID: refundID, TransactionID: sold.TransactionID, Amount: amount, Total: 2800, Reason: "太苦 & 冷",
	})
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func (s *till) wantRefund(t *testing.T, want pay.RefundState) pay.RefundReport {
	t.Helper()
	report, err := s.QueryRefund(t.Context(), cafe, refundID)
	if err != nil || report.State != want {
		t.Fatalf("query: %+v, %v, want %s", report, err, want)
	}
	return report
}

func TestSimulatorRefund(t *testing.T) {
	inBubble(t, func(t *testing.T, s *till) {
		_, err := s.QueryRefund(t.Context(), cafe, refundID)
		wantFailure(t, err, "query refund", pay.Missing, "RESOURCE_NOT_EXISTS")
		sold := s.sell(t, number, "拿铁")
		request := s.compose(t, sold, 1000)
		for range 2 { // the same number is the same refund
			got, err := s.Refund(t.Context(), cafe, request)
			if err != nil {
				t.Fatal(err)
			}
			wantReport(t, got, pay.RefundReport{
				Merchant: cafe, Source: pay.FromQuery, ID: refundID, WeChatID: s.sim.Refunds()[0].RefundID, OutTradeNo: number,
				TransactionID: sold.TransactionID, State: pay.RefundProcessing, Amount: 1000, Total: 2800,
			})
		}
		told := <-s.reports
		if told.err != nil || told.State != pay.RefundSucceeded || told.DoneAt.IsZero() {
			t.Fatalf("callback: %+v, %v", told.RefundReport, told.err)
		}
		told.Source = pay.FromQuery
		wantReport(t, s.wantRefund(t, pay.RefundSucceeded), told.RefundReport)
		trade, err := s.Query(t.Context(), cafe, number)
		if err != nil || trade.State != pay.TradeRefunded || trade.Notice.Total != 2800 {
			t.Errorf("the payment after it: %+v, %v", trade, err)
		}
		if refunds := s.sim.Refunds(); len(refunds) != 1 {
			t.Errorf("%d refunds, want 1", len(refunds))
		}
	})
}

func TestSimulatorRefundRefusals(t *testing.T) {
	inBubble(t, func(t *testing.T, s *till) {
		_, err := s.Refund(t.Context(), cafe, s.compose(t, wechatsim.Trade{TransactionID: "4200000000"}, 1000))
		wantFailure(t, err, "refund", pay.Refused, "RESOURCE_NOT_EXISTS") // it is the payment that is not known
		sold := s.sell(t, number, "拿铁")
		s.sim.SetBalance(0)
		request := s.compose(t, sold, 1000)
		_, err = s.Refund(t.Context(), cafe, request)
		wantFailure(t, err, "refund", pay.Refused, "NOT_ENOUGH")
		_, err = s.QueryRefund(t.Context(), cafe, refundID)
		wantFailure(t, err, "query refund", pay.Missing, "RESOURCE_NOT_EXISTS")
		s.sim.SetBalance(100_000)
		if _, err := s.Refund(t.Context(), cafe, request); err != nil {
			t.Errorf("the identical request with money in the account: %v", err)
		}
		_, err = s.Refund(t.Context(), cafe, s.compose(t, sold, 1001))
		wantFailure(t, err, "refund", pay.Refused, "INVALID_REQUEST")
	})
}

func TestSimulatorRefundFaults(t *testing.T) {
	for name, test := range map[string]struct {
		faults wechatsim.CallFaults
		code   string
		done   bool // at WeChat Pay, behind our back
	}{
		"too many":     {wechatsim.CallFaults{TooMany: 1}, "FREQUENCY_LIMITED", false},
		"unavailable":  {wechatsim.CallFaults{Unavailable: 1}, "SERVICE_UNAVAILABLE", false},
		"error before": {wechatsim.CallFaults{ErrorBefore: 1}, "SYSTEM_ERROR", false},
		"error after":  {wechatsim.CallFaults{ErrorAfter: 1}, "SYSTEM_ERROR", true},
		"hang before":  {wechatsim.CallFaults{HangBefore: 1}, "", false},
		"hang after":   {wechatsim.CallFaults{HangAfter: 1}, "", true},
		"bad answer":   {wechatsim.CallFaults{BadSignature: 1}, "", true},
		"probe":        {wechatsim.CallFaults{ProbeSignature: 1}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *till) {
				request := s.compose(t, s.sell(t, number, "拿铁"), 2800)
				s.sim.SetFaults(wechatsim.Faults{Refund: test.faults})
				_, err := s.Refund(t.Context(), cafe, request)
				wantFailure(t, err, "refund", pay.Unsure, test.code)
				_, err = s.QueryRefund(t.Context(), cafe, refundID)
				if done := err == nil; done != test.done {
					t.Errorf("query: %v, want done: %t", err, test.done)
				}
				if _, err := s.Refund(t.Context(), cafe, request); err != nil {
					t.Errorf("the identical request again: %v", err)
				}
			})
		})
	}
}

func TestSimulatorRefundEnds(t *testing.T) {
	for want, faults := range map[pay.RefundState]wechatsim.RefundFaults{
		pay.RefundAbnormal: {Abnormal: 1}, pay.RefundClosed: {Closed: 1},
	} {
		t.Run(string(want), func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *till) {
				s.sim.SetFaults(wechatsim.Faults{RefundOutcome: faults})
				if _, err := s.Refund(t.Context(), cafe, s.compose(t, s.sell(t, number, "拿铁"), 2800)); err != nil {
					t.Fatal(err)
				}
				told := <-s.reports
				if told.err != nil || told.State != want || !told.DoneAt.IsZero() {
					t.Errorf("callback: %+v, %v, want %s", told.RefundReport, told.err, want)
				}
				s.wantRefund(t, want)
			})
		})
	}
}

func TestSimulatorRefundCallbackFaults(t *testing.T) {
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
		"another merchant":   {wechatsim.CallbackFaults{OtherMerchant: 1}, Unexpected},
		"no associated data": {wechatsim.CallbackFaults{NoAssociatedData: 1}, ""},
		"reordered":          {wechatsim.CallbackFaults{Reordered: 1}, ""},
		"lower case":         {wechatsim.CallbackFaults{LowerCase: 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *till) {
				request := s.compose(t, s.sell(t, number, "拿铁"), 2800)
				synctest.Wait() // for the callback of the payment
				s.sim.SetFaults(wechatsim.Faults{Callback: test.faults})
				if _, err := s.Refund(t.Context(), cafe, request); err != nil {
					t.Fatal(err)
				}
				told := <-s.reports
				if test.reason != "" {
					if !isRejected(told.err, test.reason) {
						t.Fatalf("first callback: %v, want %q", told.err, test.reason)
					}
					wantSafe(t, told.err)
					told = <-s.reports
				}
				if told.err != nil || told.ID != refundID || told.Amount != 2800 || told.State != pay.RefundSucceeded {
					t.Errorf("good callback: %+v, %v", told.RefundReport, told.err)
				}
			})
		})
	}
}

func TestSimulatorRefundLiesAreForTheDomain(t *testing.T) {
	inBubble(t, func(t *testing.T, s *till) {
		request := s.compose(t, s.sell(t, number, "拿铁"), 2800)
		synctest.Wait()
		s.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{WrongAmount: 1}})
		if _, err := s.Refund(t.Context(), cafe, request); err != nil {
			t.Fatal(err)
		}
		if told := <-s.reports; told.err != nil || told.Amount != 2801 {
			t.Errorf("wrong amount: %+v, %v, want it passed on", told.RefundReport, told.err)
		}
	})
}
