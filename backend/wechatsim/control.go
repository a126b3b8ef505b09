package wechatsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

// newestOrders bounds the answers of /_sim/orders and /_sim/refunds: the phone asks every second.
const newestOrders = 100

// controlError is the error answer of /_sim/.
type controlError struct {
	status  int
	Code    string `json:"error"`
	Message string `json:"message"`
}

func (e *controlError) Error() string { return e.Code + ": " + e.Message }

// control adds the simulator's own calls: the hands of a test, or of a person before the phone page.
func (s *Server) control(mux *http.ServeMux) {
	read := func(path string, work func() any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, work()) })
	}
	write := func(path string, work func(body io.Reader) (any, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			answer, err := onlyJSON(w, r, work)
			if err != nil {
				replyError(w, err)
				return
			}
			reply(w, http.StatusOK, answer)
		})
	}
	read("/_sim/orders", s.listOrders)
	write("/_sim/h5", s.payH5)
	write("/_sim/jsapi", s.paySheet)
	write("/_sim/login", s.replaceLogin)
	write("/_sim/scan", s.customerCall(s.Scan))
	write("/_sim/pay", s.customerCall(s.Pay))
	read("/_sim/refunds", s.listRefunds)
	write("/_sim/refunds", s.finishRefund)
	read("/_sim/balance", s.readBalance)
	write("/_sim/balance", s.setBalance)
	read("/_sim/signing", func() any { return s.Signing() })
	write("/_sim/signing", s.replaceSigning)
	read("/_sim/faults", func() any { return s.Faults() })
	write("/_sim/faults", s.replaceFaults)
	read("/_sim/clock", s.readClock)
	write("/_sim/clock", s.setClock)
	mux.HandleFunc("/_sim/", func(w http.ResponseWriter, _ *http.Request) {
		replyError(w, &controlError{http.StatusNotFound, "not_found", "the simulator has no such call"})
	})
}

// onlyJSON refuses all other types: those of an HTML form are the ones that a page of any site may post here without
// asking, and application/json is not among them.
func onlyJSON(w http.ResponseWriter, r *http.Request, work func(io.Reader) (any, error)) (any, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &controlError{http.StatusUnsupportedMediaType, "unsupported_media_type", "send application/json"}
	}
	return work(http.MaxBytesReader(w, r.Body, maxBody))
}

func (s *Server) listOrders() any {
	return struct {
		Now      time.Time `json:"now"`
		Merchant string    `json:"merchant"`
		MchID    string    `json:"mchid"`
		Speed    float64   `json:"speed"`
		Orders   []Trade   `json:"orders"`
	}{s.clock(), s.merchant.Name, s.merchant.MchID, s.speed, s.newestTrades(newestOrders)}
}

// customerCall is a request of the customer's phone: to scan, or to pay.
func (s *Server) customerCall(do func(codeURL, payer string) (Trade, error)) func(io.Reader) (any, error) {
	return func(body io.Reader) (any, error) {
		var q struct {
			CodeURL string `json:"code_url"`
			Payer   string `json:"payer"`
		}
		if err := readControl(body, &q); err != nil {
			return nil, err
		}
		t, err := do(q.CodeURL, q.Payer)
		if err != nil {
			return nil, err
		}
		return struct {
			Order Trade `json:"order"`
		}{t}, nil
	}
}

// replaceLogin lets another customer's WeChat open pages from now on.
func (s *Server) replaceLogin(body io.Reader) (any, error) {
	var q struct {
		Payer string `json:"payer"`
	}
	if err := readControl(body, &q); err != nil {
		return nil, err
	}
	return map[string]string{"openid": s.LogIn(q.Payer)}, nil
}

func (s *Server) listRefunds() any {
	return struct {
		Now     time.Time `json:"now"`
		Refunds []Refund  `json:"refunds"`
	}{s.clock(), s.newestRefunds(newestOrders)}
}

// finishRefund ends a PROCESSING refund at once.
func (s *Server) finishRefund(body io.Reader) (any, error) {
	var q struct {
		OutRefundNo string      `json:"out_refund_no"`
		State       RefundState `json:"state"`
	}
	if err := readControl(body, &q); err != nil {
		return nil, err
	}
	r, err := s.FinishRefund(q.OutRefundNo, q.State)
	if err != nil {
		return nil, err
	}
	return struct {
		Refund Refund `json:"refund"`
	}{r}, nil
}

// balanceState is the merchant's money at WeChat Pay.
type balanceState struct {
	Balance *int64 `json:"balance"` // fen
}

func (s *Server) readBalance() any {
	balance := s.Balance()
	return balanceState{&balance}
}

func (s *Server) setBalance(body io.Reader) (any, error) {
	var q balanceState
	if err := readControl(body, &q); err != nil {
		return nil, err
	}
	if q.Balance == nil {
		return nil, &controlError{http.StatusBadRequest, "invalid_request", "balance is missing"}
	}
	s.SetBalance(*q.Balance)
	return s.readBalance(), nil
}

func (s *Server) replaceSigning(body io.Reader) (any, error) {
	var x Signing
	if err := readControl(body, &x); err != nil {
		return nil, err
	}
	if err := s.SetSigning(x); err != nil {
		return nil, &controlError{http.StatusBadRequest, "invalid_request", errShare.Error()}
	}
	return s.Signing(), nil
}

func (s *Server) replaceFaults(body io.Reader) (any, error) {
	var f Faults
	if err := readControl(body, &f); err != nil {
		return nil, err
	}
	s.SetFaults(f)
	return s.Faults(), nil
}

// clockState is the clock of WeChat Pay.
type clockState struct {
	Now           time.Time `json:"now"`
	OffsetSeconds int64     `json:"offset_seconds"`
}

func (s *Server) readClock() any {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return clockState{now, int64(s.offset / time.Second)}
}

// maxOffset keeps a moved clock inside what a time.Duration and a date can hold.
const maxOffset = 10 * 365 * 24 * 60 * 60 // seconds

// setClock moves all that WeChat Pay dates: the ages of orders and codes, the timestamps it signs and those it accepts.
// Beyond five minutes it and its client refuse each other, as after any clock fault. Waits between callbacks stay.
func (s *Server) setClock(body io.Reader) (any, error) {
	var q struct {
		OffsetSeconds int64 `json:"offset_seconds"`
	}
	if err := readControl(body, &q); err != nil {
		return nil, err
	}
	if q.OffsetSeconds > maxOffset || q.OffsetSeconds < -maxOffset {
		return nil, &controlError{http.StatusBadRequest, "invalid_request", "offset_seconds is beyond ten years"}
	}
	s.mu.Lock()
	s.offset = time.Duration(q.OffsetSeconds) * time.Second
	s.mu.Unlock()
	return s.readClock(), nil
}

// readControl reads one JSON object and refuses fields that it does not know.
func readControl(body io.Reader, dst any) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	err := d.Decode(dst)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("more than one JSON value")
		}
	}
	if err != nil {
		return &controlError{http.StatusBadRequest, "invalid_request", fmt.Sprintf("cannot read the body: %v", err)}
	}
	return nil
}

func replyError(w http.ResponseWriter, err error) {
	var refused *controlError
	var unpayable *PayError
	switch {
	case errors.As(err, &refused):
	case errors.Is(err, ErrUnknownCode):
		refused = &controlError{http.StatusNotFound, ErrUnknownCode.Code, ErrUnknownCode.Message}
	case errors.Is(err, ErrUnknownRefund):
		refused = &controlError{http.StatusNotFound, "unknown_refund", err.Error()}
	case errors.Is(err, ErrRefundEnded):
		refused = &controlError{http.StatusConflict, "refund_ended", err.Error()}
	case errors.Is(err, ErrRefundState):
		refused = &controlError{http.StatusBadRequest, "invalid_request", err.Error()}
	case errors.As(err, &unpayable):
		refused = &controlError{http.StatusConflict, unpayable.Code, unpayable.Message}
	default:
		refused = &controlError{http.StatusInternalServerError, "internal", "the simulator failed"}
	}
	reply(w, refused.status, refused)
}

func reply(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(encode(body)) // the client has gone: there is no one to tell
}
