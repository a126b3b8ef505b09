package server

import (
	"encoding/json"
	"errors"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wire"
)

const (
	closeFinal   = wire.CloseFinal
	closeNoOrder = wire.CloseNoOrder
)

// A merchantOrder is an order as the merchant's server sees it.
type merchantOrder struct {
	wire.Order
	Metadata      map[string]string `json:"metadata" nullable:"false"`
	TransactionID string            `json:"transaction_id" doc:"WeChat Pay's number of the payment"`
}

// An event is one thing that happened to an order, as the merchant's server sees it.
type event struct {
	Type    string            `json:"type"`
	Version int64             `json:"version"`
	At      time.Time         `json:"at"`
	Detail  map[string]string `json:"detail" nullable:"false"`
}

// view shows an order to browsers.
func (s *Server) view(o pay.Order) wire.Order {
	v := wire.Order{
		ID:             string(o.ID),
		Status:         wire.Status(o.State),
		Version:        o.Version,
		Amount:         int64(o.Total),
		AmountRefunded: int64(o.Refunded),
		Currency:       pay.Currency,
		Description:    o.Description,
		Reference:      o.Reference,
		Items:          make([]wire.Item, len(o.Items)),
		Channel:        string(o.Channel),
		CodeURL:        o.CodeURL,
		Token:          string(o.Token),
		CheckoutURL:    s.PublicURL + "/checkout/" + string(o.Token),
		ReturnURL:      withOrder(o.ReturnURL, o),
		Late:           o.Late,
		CreatedAt:      o.CreatedAt,
		ExpiresAt:      o.ExpiresAt,
	}
	for i, it := range o.Items {
		v.Items[i] = wire.Item{SKU: it.SKU, Name: it.Name, Price: int64(it.Price), Quantity: it.Quantity}
	}
	if !o.PaidAt.IsZero() {
		v.PaidAt = &o.PaidAt
	}
	return v
}

func (s *Server) merchantView(o pay.Order) merchantOrder {
	v := merchantOrder{Order: s.view(o), Metadata: o.Metadata, TransactionID: o.TransactionID}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	return v
}

// message is what the browser's socket hears of an order.
func (s *Server) message(v wire.Order) []byte {
	// A wire.Order holds nothing that cannot be encoded.
	msg, _ := json.Marshal(wire.Message{Type: wire.MessageOrder, Now: s.Cashier.Now(), Order: v})
	return msg
}

func isNoRow(err error) bool { return errors.Is(err, pay.ErrNoRow) }
