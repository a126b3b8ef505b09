package ui

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/wire"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// A stand is a page around the component: it lends its context, which go-app gives to mounted components
// only. The browser's objects are go-app's empty ones.
type stand struct {
	app.Compo
	ctx app.Context
}

func (s *stand) Render() app.UI { return app.Div() }

func (s *stand) OnPreRender(ctx app.Context) { s.ctx = ctx }

// mounted is the component as OnMount leaves it, and a function that lets the engine do what is to be done.
func mounted(t *testing.T, p wire.Page) (c *Checkout, ctx app.Context, settle func()) {
	t.Helper()
	engine, s := app.NewTestEngine(), &stand{}
	if err := engine.Load(s); err != nil {
		t.Fatal(err)
	}
	engine.ConsumeAll()
	c = &Checkout{Page: p}
	c.host = connectHost(func(string, string) {})
	c.live = &live{ctx: s.ctx, c: c}
	c.clock.set(p.Now, time.Now())
	t.Cleanup(c.OnDismount)
	return c, s.ctx, func() {
		synctest.Wait()
		engine.ConsumeAll()
	}
}

func view(o wire.Order, s wire.Status, version int64) wire.Order {
	o.Status, o.Version = s, version
	return o
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Messages and polls overtake each other, come twice, and may be about another order after a bug: the highest
// version of this order is the truth.
func TestTheHighestVersionWins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx, settle := mounted(t, testPage(wire.StatusPending)) // version 3
		o := c.Page.Order
		other := view(o, wire.StatusPaid, 99)
		other.ID = "ord_2"
		for _, step := range []struct {
			got  wire.Order
			want wire.Status
		}{
			{view(o, wire.StatusCreated, 2), wire.StatusPending},
			{view(o, wire.StatusCancelled, 3), wire.StatusPending},
			{other, wire.StatusPending},
			{view(o, wire.StatusExpired, 5), wire.StatusExpired},
			{view(o, wire.StatusPending, 4), wire.StatusExpired},
			{view(o, wire.StatusPaid, 6), wire.StatusPaid},
			{view(o, wire.StatusExpired, 5), wire.StatusPaid},
		} {
			c.heard(ctx, heardOrder, asJSON(t, step.got))
			settle()
			if got := c.order().Status; got != step.want {
				t.Fatalf("after version %d, %s, the page shows %s; want %s",
					step.got.Version, step.got.Status, got, step.want)
			}
		}
		c.heard(ctx, heardOrder, "{")
		if got := c.order().Status; got != wire.StatusPaid {
			t.Errorf("after a broken answer the page shows %s", got)
		}
	})
}

func TestTheEndIsTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx, settle := mounted(t, testPage(wire.StatusPending))
		c.tick(ctx)
		c.heard(ctx, heardLost, "")
		c.message(ctx, wire.Message{Now: painted, Order: view(c.Page.Order, wire.StatusPaid, 4)})
		settle()
		if !c.live.stopped || c.host.ears != nil || c.ticking.isSet() || c.losing.isSet() {
			t.Errorf("paid, and still: socket %t, script %t, countdown %t, grace %t",
				!c.live.stopped, c.host.ears != nil, c.ticking.isSet(), c.losing.isSet())
		}
	})
}

// Late money comes to expired and cancelled orders: there we go on listening.
func TestExpiryIsNotTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, s := range []wire.Status{wire.StatusExpired, wire.StatusCancelled} {
			c, ctx, settle := mounted(t, testPage(wire.StatusPending))
			c.take(ctx, view(c.Page.Order, s, 4))
			settle()
			if c.live.stopped || c.host.ears == nil {
				t.Errorf("%s: nobody listens any more", s)
			}
		}
	})
}

func TestTheCountdownRunsOnTheServersClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := testPage(wire.StatusPending)
		c, ctx, settle := mounted(t, p)
		c.tick(ctx)
		time.Sleep(10 * time.Second)
		settle()
		if got := c.left(); got != 14*time.Minute+50*time.Second {
			t.Errorf("after ten seconds %v are left", got)
		}
		c.message(ctx, wire.Message{Now: painted.Add(5 * time.Minute), Order: p.Order})
		if got := c.left(); got != 10*time.Minute {
			t.Errorf("the server says that five minutes have passed; %v are left", got)
		}
	})
}

func TestTroubleIsSaidAfterAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx, settle := mounted(t, testPage(wire.StatusPending))
		c.heard(ctx, heardLost, "")
		time.Sleep(lostAfter - time.Millisecond)
		settle()
		if c.link != linkFine {
			t.Error("trouble is said at once")
		}
		c.heard(ctx, heardLost, "") // the grace is not begun again
		time.Sleep(time.Millisecond)
		settle()
		if c.link != linkLost || c.said != c.texts().Lost {
			t.Errorf("after %v: link %q, said %q", lostAfter, c.link, c.said)
		}
		c.heard(ctx, heardFine, "")
		if c.link != linkFine || c.said != "" {
			t.Errorf("reached again: link %q, said %q", c.link, c.said)
		}
		c.heard(ctx, heardLost, "")
		c.heard(ctx, heardFine, "")
		time.Sleep(time.Minute)
		settle()
		if c.link != linkFine {
			t.Error("a trouble that was over is said")
		}
	})
}

// A server that refuses is not one that is out of reach.
func TestCrowdedIsNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx, settle := mounted(t, testPage(wire.StatusPending))
		want := func(after string, l link, said string) {
			t.Helper()
			if c.link != l || c.said != said {
				t.Errorf("%s: link %q, said %q; want %q, %q", after, c.link, c.said, l, said)
			}
		}
		c.heard(ctx, heardLost, "")
		c.heard(ctx, heardCrowded, "")
		time.Sleep(lostAfter)
		settle()
		want("refused for a while", linkCrowded, c.texts().TooMany)
		c.heard(ctx, heardLost, "")
		want("then out of reach", linkLost, c.texts().Lost)
		c.heard(ctx, heardCrowded, "")
		want("then refused again", linkCrowded, c.texts().TooMany)
		c.heard(ctx, heardFine, "")
		want("then answered", linkFine, "")
	})
}

func TestWeChatPayIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx, settle := mounted(t, testPage(wire.StatusCreated))
		c.tick(ctx)
		for range 9 {
			time.Sleep(time.Second)
			settle()
		}
		if c.link != linkFine {
			t.Errorf("after 9 s the link is %q", c.link)
		}
		time.Sleep(time.Second)
		settle()
		if c.link != linkSlow || c.said != c.texts().Slow {
			t.Errorf("after 10 s: link %q, said %q", c.link, c.said)
		}
		c.take(ctx, view(c.Page.Order, wire.StatusPending, 4))
		settle()
		if c.link != linkFine || c.said != c.texts().CodeReady || !c.ticking.isSet() {
			t.Errorf("with the code: link %q, said %q, countdown %t", c.link, c.said, c.ticking.isSet())
		}
	})
}

func TestGivingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ctx, settle := mounted(t, testPage(wire.StatusPending))
		want := func(q quit) {
			t.Helper()
			settle()
			if c.quit != q {
				t.Fatalf("quit is %q; want %q", c.quit, q)
			}
		}
		c.onCancel(ctx, app.Event{})
		want(quitAsking)
		c.onKeep(ctx, app.Event{})
		want(quitNot)
		c.onCancel(ctx, app.Event{})
		c.onSure(ctx, app.Event{})
		want(quitBusy)
		c.heard(ctx, heardRefused, "")
		want(quitRefused)
		c.onSure(ctx, app.Event{})
		want(quitBusy)
		c.take(ctx, view(c.Page.Order, wire.StatusCancelled, 4))
		want(quitNot)
	})
}

// An alarm that was set again has forgotten the first thing, even when its time had come.
func TestAlarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ctx, settle := mounted(t, testPage(wire.StatusPending))
		var a alarm
		rang := ""
		ring := func(name string) func(app.Context) { return func(app.Context) { rang += name } }
		a.set(ctx, time.Second, ring("a"))
		time.Sleep(time.Second)
		synctest.Wait() // its turn is in the queue
		a.set(ctx, time.Second, ring("b"))
		settle()
		if rang != "" || !a.isSet() {
			t.Errorf("rang %q, set %t", rang, a.isSet())
		}
		time.Sleep(time.Second)
		settle()
		if rang != "b" || a.isSet() {
			t.Errorf("rang %q, set %t; want b, once", rang, a.isSet())
		}
		a.set(ctx, time.Second, ring("c"))
		a.stop()
		time.Sleep(time.Minute)
		settle()
		if rang != "b" {
			t.Errorf("a stopped alarm rang: %q", rang)
		}
	})
}
