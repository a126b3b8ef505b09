package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"saoma/backend/pay"
)

// A taker books what a callback says, for good.
type taker func(ctx context.Context, m pay.MerchantID, h http.Header, body []byte) error

// notify takes a callback. It answers 204 only when its effect is in the books for good; anything else makes
// WeChat Pay send the callback again, 15 times within 24 hours.
func (s *Server) notify(kind string, take taker) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		m, err := s.receive(w, r, take)
		defer func() { s.Metrics.calledBack(m, kind, outcome(err), time.Since(began)) }()
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		status, level := verdict(err)
		s.Log.Log(r.Context(), level, "callback refused", "path", clean(r.URL.Path), "status", status, "error", err)
		if p, ok := errors.AsType[*problem](err); ok {
			maps.Copy(w.Header(), p.GetHeaders())
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		// WeChat Pay shows the message to nobody; the reason is in our log.
		_ = json.NewEncoder(w).Encode(map[string]string{"code": "FAIL", "message": http.StatusText(status)})
	}
}

// receive reads a callback and has it booked. It returns whose it was; nobody's without a merchant of that name.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, take taker) (pay.MerchantID, error) {
	m, ok := s.Cashier.Merchants.ByID(pay.MerchantID(r.PathValue("merchant")))
	if !ok {
		return "", &problem{Status: http.StatusNotFound, Code: string(pay.NotFound), Detail: "no such merchant"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		return m.ID, &problem{Status: http.StatusBadRequest, Code: string(pay.Invalid), Detail: err.Error()}
	}
	if err := s.lanes.callbacks.enter(); err != nil {
		return m.ID, err
	}
	defer s.lanes.callbacks.leave()
	// WeChat Pay may hang up while we commit; what it told us is booked all the same.
	ctx, cancel := context.WithTimeout(pay.Urgent(context.WithoutCancel(r.Context())), notifyLimit)
	defer cancel()
	return m.ID, take(ctx, m.ID, r.Header, body)
}

func (s *Server) takePayment(ctx context.Context, m pay.MerchantID, h http.Header, body []byte) error {
	n, err := s.Callbacks.OpenPayment(m, h, body)
	if err != nil {
		return err
	}
	_, err = s.Cashier.Settle(ctx, n)
	return err
}

func (s *Server) takeRefund(ctx context.Context, m pay.MerchantID, h http.Header, body []byte) error {
	report, err := s.Callbacks.OpenRefund(m, h, body)
	if err != nil {
		return err
	}
	_, err = s.Cashier.SettleRefund(ctx, report)
	return err
}

// A rejection is a callback that did not prove to be WeChat Pay's. Harmless ones are its own probes, which
// must be refused (签名探测, doc 4013053249).
type rejection interface {
	error
	HTTPStatus() int
	Harmless() bool
}

// verdict says how a callback is refused, and how loudly.
func verdict(err error) (status int, level slog.Level) {
	if r, ok := errors.AsType[rejection](err); ok {
		if r.Harmless() {
			return r.HTTPStatus(), slog.LevelInfo
		}
		return r.HTTPStatus(), slog.LevelWarn
	}
	if p, ok := errors.AsType[*problem](err); ok {
		return p.Status, slog.LevelWarn
	}
	if code := pay.CodeOf(err); code == pay.Disagreement {
		return statusOf(code), slog.LevelError // somebody must look: the notice is genuine, and wrong
	} else if code != "" {
		return statusOf(code), slog.LevelWarn
	}
	return http.StatusInternalServerError, slog.LevelError
}

// outcome says in a word what became of a callback, for counters.
func outcome(err error) string {
	if err == nil {
		return "accepted"
	}
	if r, ok := errors.AsType[rejection](err); ok && r.Harmless() {
		return "probe"
	}
	if pay.CodeOf(err) == pay.Disagreement {
		return "disagreement"
	}
	if status, _ := verdict(err); status >= http.StatusInternalServerError {
		return "failed"
	}
	return "refused"
}
