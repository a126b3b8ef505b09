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
		c.lose(ctx)
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

// reached takes it back that the server cannot be reached.
func (c *Checkout) reached() {
	c.losing.stop()
	if c.link == linkLost {
		c.link, c.said = linkFine, ""
		c.host.online(true)
		c.judge()
	}
}

// lose says, after a moment of grace, that the server cannot be reached.
func (c *Checkout) lose(ctx app.Context) {
	if c.losing.isSet() || c.link == linkLost {
		return
	}
	c.losing.set(ctx, lostAfter, func(app.Context) {
		c.link, c.said = linkLost, c.texts().Lost
		c.host.online(false)
	})
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
