package ui

import (
	"encoding/json"
	"time"

	"saoma/backend/wire"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// heard is called with what the frame's script has to say: the polls' answers and what became of a cancel.
func (c *Checkout) heard(ctx app.Context, kind, body string) {
	switch kind {
	case heardOrder:
		var o wire.Order
		if err := json.Unmarshal([]byte(body), &o); err == nil {
			c.take(ctx, o)
		}
		c.reached()
	case heardFine:
		c.reached()
	case heardLost:
		c.lose(ctx, linkLost)
	case heardCrowded:
		c.lose(ctx, linkCrowded)
	case heardAwake:
		c.live.wake()
	case heardAsleep:
		c.live.drop()
	case heardRefused:
		c.quit, c.said = quitRefused, c.texts().CancelFailed
	case heardSay:
		c.said = body
	}
}

// message is called with what the socket brings.
func (c *Checkout) message(ctx app.Context, m wire.Message) {
	c.clock.set(m.Now.Add(c.host.trip()), time.Now())
	c.host.live(true)
	c.take(ctx, m.Order)
	c.reached()
}

// reached takes it back that the server is silent.
func (c *Checkout) reached() {
	c.losing.stop()
	if c.link.silent() {
		c.why = linkFine
		c.admit()
		c.judge()
	}
}

// lose says, after a moment of grace, that nothing is heard of the order, and why.
func (c *Checkout) lose(ctx app.Context, why link) {
	c.why = why
	if c.link.silent() {
		c.admit()
	} else if !c.losing.isSet() {
		c.losing.set(ctx, lostAfter, func(app.Context) { c.admit() })
	}
}

// admit says why nothing is heard. The shop's page is told of a connection that is lost; a server that answers is not offline.
func (c *Checkout) admit() {
	before := c.link
	if c.why == before {
		return
	}
	c.link = c.why
	c.said = map[link]string{linkLost: c.texts().Lost, linkCrowded: c.texts().TooMany}[c.link]
	if before == linkLost || c.link == linkLost {
		c.host.online(c.link != linkLost)
	}
}

func (c *Checkout) onCancel(ctx app.Context, _ app.Event) {
	c.quit = quitAsking
	ctx.Defer(func(app.Context) { c.host.focus(keepID) }) // the harmless answer is the nearest
}

func (c *Checkout) onKeep(ctx app.Context, _ app.Event) {
	c.quit, c.said = quitNot, ""
	ctx.Defer(func(app.Context) { c.host.focus(cancelID) })
}

func (c *Checkout) onSure(app.Context, app.Event) {
	if c.quit == quitBusy {
		return
	}
	c.quit, c.said = quitBusy, c.texts().Cancelling
	c.host.cancel()
}
