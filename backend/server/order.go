package server

import (
	"context"
	"net/http"
	"time"

	"saoma/backend/pay"
)

// A newOrder is the body of POST /v1/orders. huma holds the bounds of shape; pay holds those of meaning.
type newOrder struct {
	Amount      int64             `json:"amount,omitempty" minimum:"1" maximum:"1000000000" doc:"Fen; or give items"`
	Items       []line            `json:"items,omitempty" minItems:"1" maxItems:"100"`
	Description string            `json:"description,omitempty" maxLength:"127" doc:"What the payer reads in WeChat; required with amount"`
	Reference   string            `json:"reference,omitempty" maxLength:"64" doc:"Your own number for the order"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	ExpiresIn   int64             `json:"expires_in,omitempty" minimum:"60" maximum:"7200" doc:"Seconds; 900 when absent"`
	ReturnURL   string            `json:"return_url,omitempty" maxLength:"2048"`
	Channel     string            `json:"channel,omitempty" enum:"native,jsapi,h5" doc:"Of the first attempt; native when absent. The checkout page may change it"`
	OpenID      string            `json:"openid,omitempty" maxLength:"128" doc:"The payer's, under the merchant's appid; with jsapi only"`
	ClientIP    string            `json:"client_ip,omitempty" maxLength:"45" doc:"The payer's own address; with h5 only"`
}

type line struct {
	SKU      string `json:"sku" minLength:"1" maxLength:"64"`
	Quantity int    `json:"quantity" minimum:"1" maximum:"999"`
}

func lines(in []line) []pay.Line {
	out := make([]pay.Line, len(in))
	for i, l := range in {
		out[i] = pay.Line{SKU: l.SKU, Quantity: l.Quantity}
	}
	return out
}

type orderAnswer struct{ Body merchantOrder }

func (s *Server) createOrder(ctx context.Context, in *struct {
	Key     string `header:"Idempotency-Key" maxLength:"255"`
	Body    newOrder
	RawBody []byte
}) (*orderAnswer, error) {
	m := merchant(ctx).ID
	return once(ctx, s, m, in.Key, in.RawBody, func(ctx context.Context, o pay.Once) (*orderAnswer, error) {
		b := in.Body
		made, err := s.Cashier.CreateOrder(ctx, pay.NewOrder{
			Merchant:    m,
			Amount:      pay.Fen(b.Amount),
			Lines:       lines(b.Items),
			Description: b.Description,
			Reference:   b.Reference,
			Metadata:    b.Metadata,
			ExpiresIn:   time.Duration(b.ExpiresIn) * time.Second,
			ReturnURL:   b.ReturnURL,
			Way:         pay.Way{Channel: pay.Channel(b.Channel), OpenID: b.OpenID, ClientIP: b.ClientIP},
			Once:        o,
		})
		if err != nil {
			return nil, err
		}
		return s.answer(made), nil
	})
}

type orderID struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) readOrder(ctx context.Context, in *orderID) (*orderAnswer, error) {
	o, err := s.ownOrder(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.answer(o), nil
}

func (s *Server) cancelOrder(ctx context.Context, in *orderID) (*orderAnswer, error) {
	o, err := s.ownOrder(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if o, err = s.Cashier.Cancel(ctx, o.ID); err != nil {
		return nil, err
	}
	return s.answer(o), nil
}

// ownOrder reads an order of the merchant that asks. Another's order is as unknown to it as none.
func (s *Server) ownOrder(ctx context.Context, id string) (o pay.Order, err error) {
	err = s.Cashier.Store.View(ctx, func(tx pay.Tx) error {
		o, err = tx.Order(ctx, pay.OrderID(id))
		return err
	})
	if err == nil && o.Merchant != merchant(ctx).ID {
		err = pay.ErrNoRow
	}
	return o, notFound(err, "no such order")
}

type orderFilter struct {
	Status       string    `query:"status" enum:"created,pending,paid,expired,cancelled,refunded"`
	Reference    string    `query:"reference" maxLength:"64"`
	CreatedAfter time.Time `query:"created_after"`
	Limit        int       `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Cursor       string    `query:"cursor" maxLength:"64" doc:"next_cursor of the page before"`
}

type orderList struct {
	Body struct {
		Data       []merchantOrder `json:"data" nullable:"false"`
		NextCursor string          `json:"next_cursor" doc:"Empty on the last page"`
	}
}

func (s *Server) listOrders(ctx context.Context, in *orderFilter) (*orderList, error) {
	var list []pay.Order
	err := s.Cashier.Store.View(ctx, func(tx pay.Tx) (err error) {
		list, err = tx.Orders(ctx, pay.OrderFilter{
			Merchant:     merchant(ctx).ID,
			State:        pay.State(in.Status),
			Reference:    in.Reference,
			CreatedAfter: in.CreatedAfter,
			Before:       pay.OrderID(in.Cursor),
			Limit:        in.Limit + 1, // one more tells whether there is a next page
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &orderList{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.NextCursor = string(list[in.Limit-1].ID)
	}
	out.Body.Data = make([]merchantOrder, len(list))
	for i, o := range list {
		out.Body.Data[i] = s.merchantView(o)
	}
	return out, nil
}

type eventList struct {
	Body struct {
		Data []event `json:"data" nullable:"false"`
	}
}

func (s *Server) listEvents(ctx context.Context, in *orderID) (*eventList, error) {
	o, err := s.ownOrder(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var events []pay.Event
	err = s.Cashier.Store.View(ctx, func(tx pay.Tx) (err error) {
		events, err = tx.Events(ctx, o.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &eventList{}
	out.Body.Data = make([]event, len(events))
	for i, e := range events {
		out.Body.Data[i] = event{Type: string(e.Kind), Version: e.Version, At: e.At, Detail: e.Detail}
	}
	return out, nil
}

func (s *Server) answer(o pay.Order) *orderAnswer { return &orderAnswer{s.merchantView(o)} }

// notFound turns the store's word for a missing row into an answer.
func notFound(err error, detail string) error {
	if isNoRow(err) {
		return &problem{Status: http.StatusNotFound, Code: string(pay.NotFound), Detail: detail}
	}
	return err
}
