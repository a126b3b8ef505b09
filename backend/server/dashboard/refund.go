package dashboard

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"

	"saoma/backend/pay"
)

// A refundView is the form of a refund, or, once what was typed makes sense, its confirmation.
type refundView struct {
	pay.History
	Typed, Reason            string
	WrongAmount, WrongReason string
	ReasonMax                int
	Confirm                  bool
	Amount                   pay.Fen
	Rest                     pay.Fen // that stays with the shop
	Key                      string  // so that a form that is sent twice refunds once
}

func (d *Dashboard) refundPage(q *request) error {
	h, err := d.Cashier.History(q.r.Context(), q.shop.ID, pay.OrderID(q.r.PathValue("id")))
	if err != nil {
		return err
	}
	if h.Left == 0 {
		return q.failed(Prefix+"orders/"+string(h.Order.ID), "There is nothing to refund.")
	}
	v := refundView{History: h, Typed: q.value("amount"), Reason: q.value("reason"), ReasonMax: pay.ReasonMax}
	if !q.r.URL.Query().Has("amount") {
		v.Typed = plainYuan(h.Left)
		return q.render(http.StatusOK, "refund", v)
	}
	v.check()
	return q.render(http.StatusOK, "refund", v)
}

// check reads what was typed.
func (v *refundView) check() {
	amount, err := parseYuan(v.Typed)
	switch {
	case err != nil:
		v.WrongAmount = "Write an amount in yuan, like 12.50."
	case amount < 1 || amount > v.Left:
		v.WrongAmount = "From ¥0.01 to what is left of the payment."
	}
	if len(v.Reason) > pay.ReasonMax {
		v.WrongReason = "Too long: at most 26 Chinese characters, or 80 Latin letters."
	}
	if v.WrongAmount != "" || v.WrongReason != "" {
		return
	}
	v.Confirm, v.Amount, v.Rest = true, amount, v.Left-amount
	v.Key = rand.Text()
}

func (d *Dashboard) refund(q *request) error {
	id := pay.OrderID(q.r.PathValue("id"))
	h, err := d.Cashier.History(q.r.Context(), q.shop.ID, id)
	if err != nil {
		return err
	}
	order := Prefix + "orders/" + string(id)
	amount, err := parseYuan(q.value("amount"))
	if err != nil || q.value("key") == "" {
		return q.failed(order, "Not done: %s", "Write an amount in yuan, like 12.50.")
	}
	reason := q.value("reason")
	request := pay.DigestOf(fmt.Sprintf("%s\n%d\n%s", id, amount, reason))
	_, err = d.Cashier.Refund(q.r.Context(), pay.NewRefund{
		Order: h.Order.ID, Amount: amount, Reason: reason, By: q.by(),
		Once: pay.Once{Key: "dashboard " + clip(q.value("key"), 64), Request: hex.EncodeToString(request[:])},
	})
	if err != nil {
		return q.refused(order, err)
	}
	return q.done(order, "A refund of %s is on its way.", yuan(amount))
}

// cancelPage asks whether an order is really to be given up.
func (d *Dashboard) cancelPage(q *request) error {
	v, err := d.readOrder(q)
	if err != nil {
		return err
	}
	if !v.MayStop {
		return q.failed(Prefix+"orders/"+string(v.Order.ID), "This order cannot be cancelled any more.")
	}
	return q.render(http.StatusOK, "cancel", v)
}

func (d *Dashboard) cancel(q *request) error {
	h, err := d.Cashier.History(q.r.Context(), q.shop.ID, pay.OrderID(q.r.PathValue("id")))
	if err != nil {
		return err
	}
	order := Prefix + "orders/" + string(h.Order.ID)
	if _, err := d.Cashier.CancelBy(q.r.Context(), h.Order.ID, q.by()); err != nil {
		return q.refused(order, err)
	}
	return q.done(order, "The order is cancelled.")
}
