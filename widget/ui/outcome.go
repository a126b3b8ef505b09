package ui

import (
	"fmt"
	"strings"

	"saoma/backend/wire"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// outcome shows how it ended. The dead code is gone. Every kind of stage is another element, so that go-app
// makes it anew: a heading that is moved counts as a shift of the layout, a new one does not.
func (c *Checkout) outcome(o wire.Order) app.UI {
	t := c.texts()
	heading := app.H1().ID(resultID).Class("result").TabIndex(-1).Text(c.result(o))
	if o.Status == wire.StatusPaid {
		heading = heading.DataSet("speech", attr(t.speech(o.Amount)))
	}
	parts := []app.UI{
		app.Div().Class("mark").Body(mark(o.Status)),
		heading,
	}
	explain := app.P().Class("explain").Text(c.explain(o))
	if o.Status == wire.StatusExpired { // where another try may be refused: that is said in the same place
		parts = append(parts, waiting("if-renew", t.Renewing), app.Div().Class("ending").Body(explain,
			app.P().Class("busy if-norenew").Text(t.RenewFailed), app.P().Class("busy if-soldout").Text(t.SoldOut),
			app.P().Class("busy if-many").Text(t.TooMany)))
	} else {
		parts = append(parts, explain)
	}
	if o.Status.Final() {
		parts = append(parts, c.lines(o))
	}
	parts = append(parts, app.Dl().Class("facts").Body(c.facts(o)...), c.back(o))
	if o.Status.Final() {
		parts = append(parts, app.P().Class("no-invoice").Text(t.NoInvoice))
		return app.Article().Class("stage").Body(parts...)
	}
	return app.Div().Class("stage").Body(parts...)
}

func (c *Checkout) result(o wire.Order) string {
	t := c.texts()
	switch o.Status {
	case wire.StatusPaid:
		return t.Paid
	case wire.StatusRefunded:
		return t.Refunded
	case wire.StatusExpired:
		return t.Expired
	default:
		return t.Cancelled
	}
}

func (c *Checkout) explain(o wire.Order) string {
	t := c.texts()
	switch {
	case o.Status == wire.StatusPaid && o.Late:
		return t.Late
	case o.Status == wire.StatusRefunded:
		return t.RefundedHow
	case o.Status == wire.StatusExpired:
		return t.ExpiredHow
	case o.Status == wire.StatusCancelled:
		return t.CancelledHow
	}
	return ""
}

// facts are what the customer may be asked for when there is a question.
func (c *Checkout) facts(o wire.Order) []app.UI {
	t := c.texts()
	var facts []app.UI
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, app.Div().Body(app.Dt().Text(name), app.Dd().Text(value)))
		}
	}
	if o.PaidAt != nil {
		add(t.PaidAt, beijing(*o.PaidAt)+t.Zone)
	}
	if o.AmountRefunded > 0 {
		add(t.PartRefunded, t.amount(o.AmountRefunded, o.Currency))
	}
	add(t.Reference, o.Reference)
	add(t.OrderID, o.ID)
	return facts
}

// lines are what was paid for, one by one. They are on the printed receipt only.
func (c *Checkout) lines(o wire.Order) app.UI {
	t := c.texts()
	var lines []app.UI
	add := func(name string, fen int64) {
		lines = append(lines, app.Div().Body(app.Dt().Text(name), app.Dd().Text(t.amount(fen, o.Currency))))
	}
	for _, item := range o.Items {
		add(fmt.Sprintf(t.Count, item.Name, item.Quantity), item.Price*int64(item.Quantity))
	}
	if len(o.Items) == 0 {
		add(o.Description, o.Amount)
	}
	return app.Dl().Class("facts lines").Body(lines...)
}

// back leads on: to the shop, in the whole window and only by the customer's own click, or out of the modal.
func (c *Checkout) back(o wire.Order) app.UI {
	t := c.texts()
	var ways []app.UI
	if o.Status == wire.StatusExpired {
		ways = append(ways, act("renew", "filled", t.Renew))
	}
	switch {
	case isWeb(o.ReturnURL):
		class := "filled"
		if len(ways) > 0 {
			class = "quiet"
		}
		ways = append(ways, app.A().ID("saoma-return").Class(class).Href(attr(o.ReturnURL)).Target("_top").Rel("noopener").
			Text(t.Return))
	case o.Status != wire.StatusExpired:
		ways = append(ways, act("done", "filled", t.Done))
	}
	if !isWeb(o.ReturnURL) && isWeb(c.Page.Back) { // seen where the checkout stands alone
		ways = append(ways, app.A().ID("saoma-back").Class("filled own").Href(attr(c.Page.Back)).Rel("noopener").Text(t.Return))
	}
	if o.Status.Final() {
		ways = append(ways, act("print", "quiet", t.Print))
	}
	return app.Div().Class("back").Body(ways...)
}

// isWeb refuses javascript: and all else that is not a page.
func isWeb(url string) bool {
	url = strings.ToLower(url)
	return strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")
}
