// Package ui is the checkout as a go-app component. The server paints the first frame with it and the
// program in the browser takes over with it, so both must make the same markup of the same Page: what
// Render shows depends on the Page until the component is mounted, and never on the local clock alone.
//
// The words between the component and the plain script of the frame (public/frame.js) are in host.go. The
// script does all HTTP; the component has the WebSocket, the clock and everything that is seen.
package ui

import (
	"fmt"
	"time"

	"saoma/backend/wire"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

const (
	// slowAfter is how long we wait for WeChat Pay's code before we say that it takes long. Its answers come
	// within a second; at 10 s the server gives a call up and tries again.
	slowAfter = 10 * time.Second

	// lostAfter is how long the server may be out of reach before we say so. A tram passing a tunnel should
	// not worry anybody, and a scan goes through meanwhile: it needs the phone's network, not ours.
	lostAfter = 3 * time.Second
)

// Checkout shows one order to its customer until nothing can happen to it any more.
type Checkout struct {
	app.Compo

	// Page is what the checkout was painted from.
	Page wire.Page

	focus string     // the id of what had the focus when the component took over
	news  wire.Order // the newest order heard of since, if any
	clock clock
	code  code
	link  link
	quit  quit
	said  string // what a screen reader was told last

	before time.Duration // that was left when the countdown was last drawn

	live    *live
	host    *host
	ticking alarm // the countdown
	losing  alarm // the grace before it is said that the server is silent
	why     link  // it is
}

// A link is how well the server can be heard.
type link string

const (
	linkFine    link = ""
	linkLost    link = "lost"    // neither socket nor poll gets through
	linkCrowded link = "crowded" // the server is there and has too much to do
	linkSlow    link = "slow"    // the server is there, WeChat Pay's code is not
)

// silent reports whether nothing is heard of the order.
func (l link) silent() bool { return l == linkLost || l == linkCrowded }

// A quit is how far the customer has come with giving up.
type quit string

const (
	quitNot     quit = ""
	quitAsking  quit = "asking"  // sure?
	quitBusy    quit = "busy"    // on its way
	quitRefused quit = "refused" // it did not work; sure still?
)

// order is the newest order there is. Versions decide, not arrival: messages and polls overtake each other.
func (c *Checkout) order() wire.Order {
	if newer(c.Page.Order, c.news) {
		return c.news
	}
	return c.Page.Order
}

// newer reports whether got is a later view of the order have.
func newer(have, got wire.Order) bool {
	return got.ID == have.ID && got.Version > have.Version
}

func (c *Checkout) now() time.Time {
	if c.clock.running() {
		return c.clock.now(time.Now())
	}
	return c.Page.Now
}

func (c *Checkout) left() time.Duration { return c.order().ExpiresAt.Sub(c.now()) }

func (c *Checkout) texts() *texts { return textsOf(c.Page.Lang) }

// TakeOver is the component that goes on where the frame's script is: the customer may have begun to give up, and
// the focus may be on a button, before the program has arrived.
func TakeOver(p wire.Page) *Checkout {
	c := &Checkout{Page: p, before: p.Order.ExpiresAt.Sub(p.Now)}
	if root := app.Window().GetElementByID(rootID); root.Truthy() {
		if v := root.Get("dataset").Get("link"); v.Truthy() {
			c.link = link(v.String())
		}
		if v := root.Get("dataset").Get("quit"); v.Truthy() {
			c.quit = quit(v.String())
		}
	}
	if said := app.Window().GetElementByID(saidID); said.Truthy() {
		c.said = said.Get("textContent").String()
	}
	if e := app.Window().Get("document").Get("activeElement"); e.Truthy() {
		c.focus = e.Get("id").String()
	}
	return c
}

// OnMount is called in the browser when the component has taken the painted frame over.
func (c *Checkout) OnMount(ctx app.Context) {
	quietEngine()
	c.host = connectHost(func(kind, body string) {
		ctx.Dispatch(func(ctx app.Context) { c.heard(ctx, kind, body) })
	})
	c.clock.set(c.Page.Now, c.host.painted())
	ctx.Defer(func(app.Context) { c.host.focus(c.focus) })
	c.live = newLive(ctx, c)
	c.live.open()
	c.tick(ctx)
}

// OnDismount stops everything that could still call into the component.
func (c *Checkout) OnDismount() { c.stop() }

func (c *Checkout) stop() {
	c.ticking.stop()
	c.losing.stop()
	if c.live != nil {
		c.live.stop()
	}
	if c.host != nil {
		c.host.close()
	}
}

// tick draws the countdown again when its text changes next.
func (c *Checkout) tick(ctx app.Context) {
	if s := c.order().Status; s != wire.StatusCreated && s != wire.StatusPending {
		return
	}
	c.judge()
	left := c.left()
	if text := spoken(c.before, left, c.texts()); text != "" && c.order().Status == wire.StatusPending {
		c.said = text
	}
	c.before = left
	if seconds(left) == 0 {
		c.host.refresh() // the deadline has passed: what became of the order?
	}
	c.ticking.set(ctx, pause(left), c.tick)
}

// overdueEvery is how often the server is asked about an order whose time is over. It asks WeChat Pay
// before it says "expired", which takes it a second or two.
const overdueEvery = 3 * time.Second

// pause is how long the countdown's text stays right.
func pause(left time.Duration) time.Duration {
	if left <= 0 {
		return overdueEvery
	}
	return untilNext(left)
}

// judge says that WeChat Pay is slow once it is.
func (c *Checkout) judge() {
	o := c.order()
	slow := o.Status == wire.StatusCreated && c.now().Sub(o.CreatedAt) >= slowAfter
	switch {
	case c.link.silent():
	case slow && c.link != linkSlow:
		c.link, c.said = linkSlow, c.texts().Slow
	case !slow:
		c.link = linkFine
	}
}

// take shows an order if it is newer than what is shown, whoever brought it.
func (c *Checkout) take(ctx app.Context, got wire.Order) {
	before := c.order()
	if !newer(before, got) {
		return
	}
	c.news, c.quit = got, quitNot
	c.judge()
	c.host.changed(got)
	if got.Status != before.Status {
		c.announce(ctx, got)
	}
	if got.Status.Final() {
		c.stop()
	} else if before.Status != wire.StatusPending && got.Status == wire.StatusPending {
		c.tick(ctx)
	}
}

// announce tells of a new status those who do not see it.
func (c *Checkout) announce(ctx app.Context, o wire.Order) {
	t := c.texts()
	c.host.title(Title(c.page(o)))
	switch {
	case o.Status == wire.StatusCreated, o.Status == wire.StatusExpired && c.host.renewing():
	case o.Status == wire.StatusPending:
		c.said = t.CodeReady
	default:
		// The heading takes the focus if the customer is here; it would be rude to take it from the shop's page.
		focused := c.host.focused()
		c.said = ""
		if !focused {
			c.said = c.result(o)
		}
		ctx.Defer(func(app.Context) {
			if focused {
				c.host.focus(resultID)
			}
			c.host.sound()
		})
	}
}

// page is the Page as it would be painted now.
func (c *Checkout) page(o wire.Order) wire.Page {
	p := c.Page
	p.Order = o
	return p
}

// Title is the title of the document that shows a Page.
func Title(p wire.Page) string {
	t := textsOf(p.Lang)
	text := t.Title
	if p.Order.Status == wire.StatusPaid {
		text = t.TitlePaid
	}
	return fmt.Sprintf(text, t.amount(p.Order.Amount, p.Order.Currency), p.Payee)
}
