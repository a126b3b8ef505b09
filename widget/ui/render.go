package ui

import (
	"fmt"
	"strings"

	"saoma/backend/wire"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// The ids that the component and the frame's script know elements by.
const (
	rootID   = "saoma"
	saidID   = "saoma-said"
	leftID   = "saoma-left"
	resultID = "saoma-result"
	cancelID = "saoma-cancel"
	keepID   = "saoma-keep"
)

// Render paints the order as it stands. Every element with several children is a flex box or a grid: go-app
// puts line breaks between the children of an element when it writes HTML, and none when it makes nodes, so
// breaks must not be seen.
func (c *Checkout) Render() app.UI {
	o := c.order()
	return app.Main().ID(rootID).Class("saoma").
		DataSet("status", string(o.Status)).DataSet("link", string(c.link)).DataSet("quit", string(c.quit)).Body(
		app.P().ID(saidID).Class("said").Role("status").Text(c.said),
		c.head(o),
		c.stage(o),
		app.P().Class("by").Body(icon("lock", lockPath), app.Span().Text(c.texts().By)),
	)
}

// head says who is paid, how much, and what for.
func (c *Checkout) head(o wire.Order) app.UI {
	return app.Header().Class("head").Body(
		app.P().Class("payee").Text(c.Page.Payee),
		app.P().Class("amount").Body(
			app.Span().Class("sign").Text(sign(o.Currency)),
			app.Span().Text(yuan(o.Amount)),
		),
		app.P().Class("what").Text(what(o, c.texts())),
	)
}

// itemsNamed is how many items fit on a line of a telephone.
const itemsNamed = 3

// what says in one line what is paid for.
func what(o wire.Order, t *texts) string {
	if len(o.Items) == 0 {
		return o.Description
	}
	var names []string
	for i, item := range o.Items {
		if i == itemsNamed {
			rest := 0
			for _, item := range o.Items[i:] {
				rest += item.Quantity
			}
			names = append(names, fmt.Sprintf(t.More, rest))
			break
		}
		if item.Quantity == 1 {
			names = append(names, item.Name)
		} else {
			names = append(names, fmt.Sprintf(t.Count, item.Name, item.Quantity))
		}
	}
	return strings.Join(names, t.What)
}

// stage is what changes with the order's status. The styles give it the same size in all of them.
func (c *Checkout) stage(o wire.Order) app.UI {
	if o.Status != wire.StatusCreated && o.Status != wire.StatusPending {
		return c.outcome(o)
	}
	if code := c.codeOf(o); code.drawn() {
		return c.scan(o, code.svg(fmt.Sprintf(c.texts().CodeName, amount(o.Amount, o.Currency), c.Page.Payee)))
	}
	return c.scan(o, app.Div().Class("waiting").Body(
		app.Span().Class("spinner"),
		app.Span().Text(c.texts().Asking),
	))
}

// codeOf makes the QR code, once for each code_url: that takes a phone some milliseconds, and the countdown
// renders every second.
func (c *Checkout) codeOf(o wire.Order) code {
	if c.code.content != o.CodeURL {
		c.code = newCode(o.CodeURL)
	}
	return c.code
}

// scan asks the customer to scan the code.
func (c *Checkout) scan(o wire.Order, code app.UI) app.UI {
	t := c.texts()
	return app.Section().Class("stage").Body(
		app.Div().Class("card").Body(code),
		app.H1().Class("scan").Body(icon("viewfinder", viewfinderPath), app.Span().Text(t.Scan)),
		app.Div().Class("notes").Body(
			app.P().Class("how").Text(t.How),
			app.Div().Class("trouble").Body(
				app.P().Class("if-lost").Text(t.Lost),
				app.P().Class("if-slow").Text(t.Slow),
				app.Button().Type("button").Class("quiet").DataSet("act", "check").Text(t.Retry).OnClick(c.onRetry),
			),
		),
		c.foot(o),
	)
}

// deadline counts down. At zero it says that we are checking; that the order has expired only the server says.
func (c *Checkout) deadline(o wire.Order) app.UI {
	t, left := c.texts(), c.left()
	class := "deadline"
	if seconds(left) == 0 {
		class = "deadline over"
	}
	return app.P().Class(class).Body(
		app.Span().Class("left").Text(t.Left),
		app.Span().ID(leftID).Class("time").Role("timer").
			DataSet("until", o.ExpiresAt.UTC().Format(timeOfScript)).Text(countdown(left)),
		app.Span().Class("checking").Text(t.Checking),
	)
}

// timeOfScript is RFC 3339 with the milliseconds that JavaScript's Date can hold.
const timeOfScript = "2006-01-02T15:04:05.000Z"

// foot holds the countdown and the quiet way out; in their place comes the question whether to cancel.
// Everything is always there and the styles show what is meant, so that the plain script can ask as well.
func (c *Checkout) foot(o wire.Order) app.UI {
	t := c.texts()
	return app.Div().Class("foot").Body(
		app.Div().Class("usual").Body(
			c.deadline(o),
			app.Button().ID(cancelID).Type("button").Class("quiet").DataSet("act", "ask").
				Text(t.Cancel).OnClick(c.onCancel),
		),
		app.Div().Class("sure").Body(
			app.P().Class("if-asking").Text(t.Sure),
			app.P().Class("if-busy").Text(t.Cancelling),
			app.P().Class("if-refused").Text(t.CancelFailed),
			app.Button().ID(keepID).Type("button").Class("quiet").DataSet("act", "keep").
				Text(t.SureNo).OnClick(c.onKeep),
			app.Button().Type("button").Class("quiet danger").DataSet("act", "cancel").
				Text(t.SureYes).OnClick(c.onSure),
		),
	)
}

// outcome shows how it ended. The dead code is gone. Every kind of stage is another element, so that go-app
// makes it anew: a heading that is moved counts as a shift of the layout, a new one does not.
func (c *Checkout) outcome(o wire.Order) app.UI {
	parts := []app.UI{
		app.Div().Class("mark").Body(mark(o.Status)),
		app.H1().ID(resultID).Class("result").TabIndex(-1).Text(c.result(o)),
		app.P().Class("explain").Text(c.explain(o)),
		app.Dl().Class("facts").Body(c.facts(o)...),
		c.back(o),
	}
	if o.Status.Final() {
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
		add(t.PartRefunded, amount(o.AmountRefunded, o.Currency))
	}
	add(t.Reference, o.Reference)
	add(t.OrderID, o.ID)
	return facts
}

// back leads to the shop, in the whole window and only by the customer's own click.
func (c *Checkout) back(o wire.Order) app.UI {
	if !isWeb(o.ReturnURL) {
		return app.Div().Class("back")
	}
	return app.Div().Class("back").Body(
		app.A().Class("to-shop").Href(attr(o.ReturnURL)).Target("_top").Rel("noopener").Text(c.texts().Return),
	)
}

// isWeb refuses javascript: and all else that is not a page.
func isWeb(url string) bool {
	url = strings.ToLower(url)
	return strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")
}
