package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"saoma/backend/pay"
)

// A newRefund is the body of POST /v1/orders/{id}/refunds.
type newRefund struct {
	Amount    int64  `json:"amount" minimum:"1" maximum:"1000000000" doc:"Fen"`
	Reason    string `json:"reason,omitempty" maxLength:"80" doc:"The payer reads it; at most 80 bytes"`
	Reference string `json:"reference,omitempty" maxLength:"64" doc:"Your own number for the refund"`
}

// A refundView is a refund as the merchant's server sees it.
type refundView struct {
	ID        string     `json:"id" doc:"Our out_refund_no at WeChat Pay"`
	OrderID   string     `json:"order_id"`
	Status    string     `json:"status" enum:"requested,processing,succeeded,abnormal,closed"`
	Amount    int64      `json:"amount" doc:"Fen"`
	Currency  string     `json:"currency" enum:"CNY"`
	Reason    string     `json:"reason"`
	Reference string     `json:"reference"`
	Automatic bool       `json:"automatic" doc:"Made by rule: of a second payment, or of late money"`
	Trouble   string     `json:"trouble" doc:"Why it is not done yet; empty if all is well"`
	CreatedAt time.Time  `json:"created_at"`
	DoneAt    *time.Time `json:"done_at"`
}

type refundAnswer struct{ Body refundView }

func (s *Server) createRefund(ctx context.Context, in *struct {
	ID      string `path:"id" maxLength:"64"`
	Key     string `header:"Idempotency-Key" maxLength:"255"`
	Body    newRefund
	RawBody []byte
}) (*refundAnswer, error) {
	order, err := s.ownOrder(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	request := append([]byte(in.ID+"\n"), in.RawBody...)
	return once(ctx, s, order.Merchant, in.Key, request, func(ctx context.Context, o pay.Once) (*refundAnswer, error) {
		r, err := s.Cashier.Refund(ctx, pay.NewRefund{
			Order: order.ID, Amount: pay.Fen(in.Body.Amount), Reason: in.Body.Reason, Reference: in.Body.Reference, Once: o,
		})
		if err != nil {
			return nil, err
		}
		return &refundAnswer{viewOfRefund(r)}, nil
	})
}

func (s *Server) readRefund(ctx context.Context, in *orderID) (*refundAnswer, error) {
	var r pay.Refund
	err := s.Cashier.Store.View(ctx, func(tx pay.Tx) (err error) {
		r, err = tx.Refund(ctx, pay.RefundID(in.ID))
		return err
	})
	if errors.Is(err, pay.ErrNoRow) || err == nil && r.Merchant != merchant(ctx).ID {
		return nil, &problem{Status: http.StatusNotFound, Code: string(pay.NotFound), Detail: "no such refund"}
	}
	if err != nil {
		return nil, err
	}
	return &refundAnswer{viewOfRefund(r)}, nil
}

func viewOfRefund(r pay.Refund) refundView {
	v := refundView{
		ID: string(r.ID), OrderID: string(r.Order), Status: string(r.State), Amount: int64(r.Amount), Currency: pay.Currency,
		Reason: r.Reason, Reference: r.Reference, Automatic: r.Automatic, Trouble: r.Trouble, CreatedAt: r.CreatedAt,
	}
	if !r.DoneAt.IsZero() {
		v.DoneAt = &r.DoneAt
	}
	return v
}
