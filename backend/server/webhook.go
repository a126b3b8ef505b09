package server

import (
	"context"
	"encoding/json"
	"time"

	"saoma/backend/pay"
)

// A webhookBody is what a webhook says.
type webhookBody struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

// reportedDifferences bounds what a webhook lists of a reconciliation; all of it is at /v1/reconciliations/{date}.
const reportedDifferences = 20

// RenderWebhook renders the body of a webhook: its data is the order, the refund or the reconciliation as this API
// shows it to the merchant.
func (s *Server) RenderWebhook(t pay.WebhookType, at time.Time, subject any) []byte {
	b := webhookBody{Type: string(t), Timestamp: at.UTC(), Data: struct{}{}}
	switch x := subject.(type) {
	case pay.Order:
		b.Data = s.merchantView(x)
	case pay.Refund:
		b.Data = viewOfRefund(x)
	case pay.Reconciliation:
		x.Differences = x.Differences[:min(len(x.Differences), reportedDifferences)]
		b.Data = x
	}
	text, _ := json.Marshal(b) // holds nothing that cannot be encoded
	return text
}

// A DeliveryView is a webhook as the merchant's server sees it in lists.
type DeliveryView struct {
	ID        string     `json:"id" doc:"The header webhook-id"`
	Type      string     `json:"type" doc:"What it tells, such as order.paid"`
	OrderID   string     `json:"order_id" doc:"Empty if it is of no order"`
	Subject   string     `json:"subject" doc:"The id of the order or refund, or the day of the reconciliation"`
	Status    string     `json:"status" enum:"waiting,delivered,failed"`
	CreatedAt time.Time  `json:"created_at"`
	NextAt    *time.Time `json:"next_at" doc:"Of the next try; null while an earlier webhook of the order is not done, or when there is none"`
	DoneAt    *time.Time `json:"done_at" doc:"When it was delivered or given up"`
	Tries     int        `json:"tries" doc:"Since it was made, or sent again by hand"`
	Answer    int        `json:"answer" doc:"HTTP status of the last answer; 0: there was none"`
	Trouble   string     `json:"trouble" doc:"Why the last try failed; empty if it did not"`
}

// A tryView is one POST of a webhook.
type tryView struct {
	At      time.Time `json:"at"`
	Took    int64     `json:"took" doc:"Milliseconds"`
	Answer  int       `json:"answer" doc:"HTTP status; 0: no answer"`
	Trouble string    `json:"trouble"`
	Excerpt string    `json:"excerpt" doc:"The beginning of the answer's body"`
}

type deliveryAnswer struct {
	Body struct {
		DeliveryView
		Body string    `json:"body" doc:"As it is sent, byte for byte"`
		All  []tryView `json:"all_tries" nullable:"false" doc:"The oldest first"`
	}
}

type deliveryFilter struct {
	Order  string `query:"order" maxLength:"64"`
	Type   string `query:"type" enum:"order.paid,order.expired,order.cancelled,order.refunded,refund.succeeded,refund.failed,reconciliation.finished,webhook.test"`
	Status string `query:"status" enum:"waiting,delivered,failed"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Cursor string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before"`
}

type deliveryList struct {
	Body struct {
		Data       []DeliveryView `json:"data" nullable:"false"`
		NextCursor string         `json:"next_cursor" doc:"Empty on the last page"`
	}
}

func (s *Server) listDeliveries(ctx context.Context, in *deliveryFilter) (*deliveryList, error) {
	list, err := s.Cashier.Deliveries(ctx, pay.DeliveryFilter{
		Merchant: merchant(ctx).ID, Order: pay.OrderID(in.Order), Type: pay.WebhookType(in.Type), State: pay.DeliveryState(in.Status),
		Before: pay.DeliveryID(in.Cursor), Limit: in.Limit + 1, // one more tells whether there is a next page
	})
	if err != nil {
		return nil, err
	}
	out := &deliveryList{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.NextCursor = string(list[in.Limit-1].ID)
	}
	out.Body.Data = make([]DeliveryView, len(list))
	for i, d := range list {
		out.Body.Data[i] = viewOfDelivery(d)
	}
	return out, nil
}

type deliveryID struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) readDelivery(ctx context.Context, in *deliveryID) (*deliveryAnswer, error) {
	d, tries, err := s.Cashier.Delivery(ctx, merchant(ctx).ID, pay.DeliveryID(in.ID))
	if err != nil {
		return nil, err
	}
	return answerOf(d, tries), nil
}

func (s *Server) resendDelivery(ctx context.Context, in *deliveryID) (*deliveryAnswer, error) {
	m := merchant(ctx).ID
	if _, err := s.Cashier.Resend(ctx, m, pay.DeliveryID(in.ID)); err != nil {
		return nil, err
	}
	return s.readDelivery(ctx, in)
}

type newResending struct {
	Since  time.Time `json:"since" doc:"Webhooks made then or later"`
	Status string    `json:"status,omitempty" enum:"delivered,failed" doc:"Only those; both when absent"`
}

type resendingAnswer struct {
	Body struct {
		Count int `json:"count" doc:"How many are sent again"`
	}
}

func (s *Server) resendDeliveries(ctx context.Context, in *struct{ Body newResending }) (*resendingAnswer, error) {
	var states []pay.DeliveryState
	if in.Body.Status != "" {
		states = append(states, pay.DeliveryState(in.Body.Status))
	}
	out := &resendingAnswer{}
	var err error
	out.Body.Count, err = s.Cashier.ResendSince(ctx, merchant(ctx).ID, in.Body.Since, states...)
	return out, err
}

func (s *Server) testWebhook(ctx context.Context, _ *struct{}) (*deliveryAnswer, error) {
	d, t, err := s.Cashier.TestWebhook(ctx, merchant(ctx).ID)
	if err != nil {
		return nil, err
	}
	return answerOf(d, []pay.DeliveryTry{t}), nil
}

// An endpointView is how the merchant's server that takes webhooks has been doing.
type endpointView struct {
	Configured   bool       `json:"configured" doc:"The merchant has a webhook_url"`
	Status       string     `json:"status" enum:"on,stopped,gone" doc:"stopped: it failed for long and is tried now and then; gone: it answered 410"`
	Failures     int        `json:"failures" doc:"Tries that failed since the last that did not"`
	FailingSince *time.Time `json:"failing_since"`
	StoppedAt    *time.Time `json:"stopped_at"`
	NextAt       *time.Time `json:"next_at" doc:"Not before this time anything is sent"`
	Reason       string     `json:"reason" doc:"Of the last failure"`
	Waiting      int        `json:"waiting" doc:"Webhooks that are not done yet"`
	Oldest       *time.Time `json:"oldest" doc:"When the oldest of them was made"`
}

type endpointAnswer struct{ Body endpointView }

func (s *Server) readEndpoint(ctx context.Context, _ *struct{}) (*endpointAnswer, error) {
	r, err := s.Cashier.WebhookEndpoint(ctx, merchant(ctx).ID)
	if err != nil {
		return nil, err
	}
	return &endpointAnswer{endpointView{
		Configured: r.Configured, Status: string(r.State), Failures: r.Failures, FailingSince: orNull(r.FailingSince),
		StoppedAt: orNull(r.StoppedAt), NextAt: orNull(r.NextAt), Reason: r.Reason, Waiting: r.Waiting, Oldest: orNull(r.Oldest),
	}}, nil
}

func (s *Server) enableEndpoint(ctx context.Context, in *struct{}) (*endpointAnswer, error) {
	if err := s.Cashier.EnableWebhooks(ctx, merchant(ctx).ID); err != nil {
		return nil, err
	}
	return s.readEndpoint(ctx, in)
}

func answerOf(d pay.Delivery, tries []pay.DeliveryTry) *deliveryAnswer {
	out := &deliveryAnswer{}
	out.Body.DeliveryView, out.Body.Body = viewOfDelivery(d), string(d.Body)
	out.Body.All = make([]tryView, len(tries))
	for i, t := range tries {
		out.Body.All[i] = tryView{At: t.At, Took: t.Took.Milliseconds(), Answer: t.Status, Trouble: t.Trouble, Excerpt: t.Excerpt}
	}
	return out
}

func viewOfDelivery(d pay.Delivery) DeliveryView {
	return DeliveryView{
		ID: string(d.ID), Type: string(d.Type), OrderID: string(d.Order), Subject: d.Subject, Status: string(d.State),
		CreatedAt: d.CreatedAt, NextAt: orNull(d.NextAt), DoneAt: orNull(d.DoneAt), Tries: d.Tries, Answer: d.Status, Trouble: d.Trouble,
	}
}

// orNull shows a moment that has not come yet as null.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
