package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"saoma/backend/pay"
)

// notifyPayment takes a payment callback. It answers 204 only when the payment is in the books for good;
// anything else makes WeChat Pay send the callback again, 15 times within 24 hours.
func (s *Server) notifyPayment(w http.ResponseWriter, r *http.Request) {
	status, err := s.takeNotice(w, r)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	level := slog.LevelWarn
	if rejected, ok := errors.AsType[rejection](err); ok && rejected.Harmless() {
		level = slog.LevelInfo
	}
	s.Log.Log(r.Context(), level, "callback refused", "merchant", clean(r.PathValue("merchant")), "status", status,
		"request", requestID(r.Context()), "error", err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// WeChat Pay shows the message to nobody; the reason is in our log.
	_ = json.NewEncoder(w).Encode(map[string]string{"code": "FAIL", "message": http.StatusText(status)})
}

// A rejection is a callback that did not prove to be WeChat Pay's. Harmless ones are its own probes, which
// must be refused (签名探测, doc 4013053249).
type rejection interface {
	error
	HTTPStatus() int
	Harmless() bool
}

func (s *Server) takeNotice(w http.ResponseWriter, r *http.Request) (status int, err error) {
	m, ok := s.Cashier.Merchants.ByID(pay.MerchantID(r.PathValue("merchant")))
	if !ok {
		return http.StatusNotFound, errors.New("no such merchant")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		return http.StatusBadRequest, err
	}
	n, err := s.Callbacks.OpenPayment(m.ID, r.Header, body)
	if rejected, ok := errors.AsType[rejection](err); ok {
		return rejected.HTTPStatus(), err
	}
	if err != nil {
		return http.StatusInternalServerError, err
	}
	// WeChat Pay may hang up while we commit; the money is settled all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), notifyLimit)
	defer cancel()
	if _, err := s.Cashier.Settle(ctx, n); err != nil {
		if code := pay.CodeOf(err); code != "" {
			return statusOf(code), err
		}
		return http.StatusInternalServerError, err
	}
	return http.StatusNoContent, nil
}
