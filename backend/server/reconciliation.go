package server

import (
	"context"
	"errors"
	"net/http"

	"saoma/backend/pay"
)

type reconciliationDay struct {
	Date string `path:"date" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"A day in Beijing"`
}

type reconciliationAnswer struct{ Body pay.Reconciliation }

func (s *Server) readReconciliation(ctx context.Context, in *reconciliationDay) (*reconciliationAnswer, error) {
	var r pay.Reconciliation
	err := s.Cashier.Store.View(ctx, func(tx pay.Tx) (err error) {
		r, err = tx.Reconciliation(ctx, merchant(ctx).ID, in.Date)
		return err
	})
	if err != nil {
		return nil, notFound(err, "this day has not been reconciled")
	}
	return &reconciliationAnswer{r}, nil
}

type newReconciliation struct {
	Date string `json:"date" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"A day in Beijing that has ended"`
}

func (s *Server) createReconciliation(ctx context.Context, in *struct {
	Key     string `header:"Idempotency-Key" maxLength:"255"`
	Body    newReconciliation
	RawBody []byte
}) (*reconciliationAnswer, error) {
	m := merchant(ctx).ID
	return once(ctx, s, m, in.Key, in.RawBody, func(ctx context.Context, o pay.Once) (*reconciliationAnswer, error) {
		r, err := s.reconcile(ctx, m, in.Body.Date)
		if err != nil {
			return nil, err
		}
		return &reconciliationAnswer{r}, s.Cashier.Remember(ctx, m, o, "reconciliation "+r.Day)
	})
}

func (s *Server) reconcile(ctx context.Context, m pay.MerchantID, day string) (pay.Reconciliation, error) {
	r, err := s.Cashier.Reconcile(ctx, m, day)
	if errors.Is(err, pay.ErrBillNotReady) {
		return r, &problem{Status: http.StatusConflict, Code: "bill_not_ready",
			Detail: "WeChat Pay has not finished the bill of this day; it is there after 10:00 in Beijing"}
	}
	return r, err
}
