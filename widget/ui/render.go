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
	scanID   = "saoma-scan"
	leftID   = "saoma-left"
	heardID  = "saoma-heard"
	helpID   = "saoma-help"
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
			app.Span().Class("sign").Text(c.texts().sign(o.Currency)),
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
	if c.here() != "" {
		return c.onThisPhone(o)
	}
	if c.needsSecondDevice() {
		return app.Section().Class("stage second").Body(c.words(), c.notes(), c.card(o),
			act("enlarge", "outlined", c.texts().Enlarge), c.foot(o), c.help())
	}
	return app.Section().Class("stage").Body(c.card(o), c.words(), c.notes(), c.foot(o), c.help())
}

// needsSecondDevice reports whether the code is on the screen of the phone that would have to scan it: WeChat takes
// such codes from the camera only, not from a screenshot nor by a long press (doc 4012791890).
func (c *Checkout) needsSecondDevice() bool {
	return c.Page.Device != "" && c.Page.Device != wire.DeviceDesktop && len(c.Page.Channels) == 0
}

// card holds the code, or in its place the wait for it. Enlarged by the script it fills the window.
func (c *Checkout) card(o wire.Order) app.UI {
	t := c.texts()
	code := waiting("asking", t.Asking)
	if drawn := c.codeOf(o); drawn.drawn() {
		code = drawn.svg(fmt.Sprintf(t.CodeName, t.amount(o.Amount, o.Currency), c.Page.Payee))
	}
	return app.Div().Class("card").Body(
		code,
		waiting("if-renew", t.Renewing),
		app.P().Class("bright-words").Text(t.Bright),
		act("restore", "bright-words outlined", t.Restore),
	)
}

func waiting(class, text string) app.UI {
	return app.Div().Class("waiting "+class).Body(app.Span().Class("spinner"), app.Span().Text(text))
}

// act is a button that the frame's script answers.
func act(name, class, text string) app.HTMLButton {
	return app.Button().ID("saoma-"+name).Type("button").Class(class).DataSet("act", name).Text(text)
}

// codeOf makes the QR code, once for each code_url: that takes a phone some milliseconds, and the countdown
// renders every second.
func (c *Checkout) codeOf(o wire.Order) code {
	if c.code.content != o.CodeURL {
		c.code = newCode(o.CodeURL)
	}
	return c.code
}

// words asks the customer to scan the code.
func (c *Checkout) words() app.UI {
	text, _ := c.ask(c.order())
	return app.H1().ID(scanID).Class("scan").TabIndex(-1).
		Body(icon("viewfinder", viewfinderPath), app.Span().Text(text))
}

// notes say how to scan, or what the trouble is, or what came of a wish. All is there, and the styles show one.
func (c *Checkout) notes() app.UI {
	t := c.texts()
	_, how := c.ask(c.order())
	return app.Div().Class("notes").Body(
		app.P().Class("how").Text(how),
		app.Div().Class("trouble").Body(
			app.P().Class("if-lost").Body(
				app.Span().Text(t.Lost),
				app.Span().Class("heard").Body(app.Span().Text(t.Heard), app.Span().ID(heardID)),
			),
			app.P().Class("if-crowded").Text(t.TooMany),
			app.P().Class("if-slow").Text(t.Slow),
			act("retry", "quiet", t.Retry),
		),
		app.P().Class("busy if-check").Text(t.AskingNow),
		app.P().Class("busy if-unpaid").Text(t.NotPaid),
		app.P().Class("busy if-norenew").Text(t.RenewFailed),
		app.P().Class("busy if-soldout").Text(t.SoldOut),
		app.P().Class("busy if-many").Text(t.TooMany),
		app.P().Class("busy if-failed").Text(t.HereFailed),
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
		app.Span().ID(leftID).Class("time").Role("timer").DataSet("until", o.ExpiresAt.UTC().Format(timeOfScript)).
			DataSet("spoken", attr(spokenOfScript(t))).Text(countdown(left)),
		app.Span().Class("checking").Text(t.Checking),
	)
}

// timeOfScript is RFC 3339 with the milliseconds that JavaScript's Date can hold.
const timeOfScript = "2006-01-02T15:04:05.000Z"

// foot holds the countdown and the quiet ways out; in their place comes the question whether to cancel.
// Everything is always there and the styles show what is meant, so that the plain script can ask as well.
func (c *Checkout) foot(o wire.Order) app.UI {
	t := c.texts()
	acts := []app.UI{act("check", "quiet firm", t.HavePaid)}
	if c.here() == "" {
		acts = append(acts,
			act("help", "quiet", t.Help).ID("saoma-help-act").Aria("expanded", "false").Aria("controls", helpID))
	}
	acts = append(acts, act("ask", "quiet", t.Cancel).ID(cancelID).OnClick(c.onCancel))
	return app.Div().Class("foot").Body(
		app.Div().Class("usual").Body(c.deadline(o), app.Div().Class("acts").Body(acts...)),
		app.Div().Class("sure").Body(
			app.P().Class("if-asking").Text(t.Sure),
			app.P().Class("if-busy").Text(t.Cancelling),
			app.P().Class("if-refused").Text(t.CancelFailed),
			act("keep", "quiet", t.SureNo).OnClick(c.onKeep),
			act("cancel", "quiet danger", t.SureYes).ID("saoma-sure").OnClick(c.onSure),
		),
	)
}

// help is disclosed by the script. Another account may have scanned the code, and then nobody else can pay it.
func (c *Checkout) help() app.UI {
	t := c.texts()
	ways := []app.UI{act("renew", "outlined", t.Renew)}
	if !c.needsSecondDevice() { // which has it above
		ways = append(ways, act("enlarge", "outlined", t.Enlarge))
	}
	return app.Div().ID(helpID).Class("help").Body(app.P().Text(t.HelpHow), app.Div().Class("acts").Body(ways...))
}
