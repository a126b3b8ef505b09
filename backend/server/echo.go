package server

import (
	"context"
	"errors"
	"net/http"

	"saoma/backend/pay"
)

// A genuine rejection is of something that WeChat Pay did sign.
type genuine interface {
	error
	Genuine() bool
}

// takeEcho books the callback of a self-test at WeChat Pay. The doctor finds it in the books.
func (s *Server) takeEcho(ctx context.Context, m pay.MerchantID, h http.Header, body []byte) error {
	message, err := s.Callbacks.OpenEcho(m, h, body)
	if r := genuine(nil); errors.As(err, &r) && r.Genuine() {
		err = errors.Join(err, s.Cashier.HearEcho(ctx, pay.Echo{Merchant: m, Trouble: err.Error()}))
	}
	if err != nil {
		return err
	}
	return s.Cashier.HearEcho(ctx, pay.Echo{Merchant: m, Message: message})
}
