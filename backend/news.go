package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"saoma/backend/bus"
	"saoma/backend/live"
	"saoma/backend/pay"
	"saoma/backend/server"
	"saoma/backend/server/dashboard"
)

const (
	pollEvery = time.Second            // how late browsers hear of what another server did while the bus is away
	joinLimit = 250 * time.Millisecond // for the bus to know what this server listens to
	newsRoom  = 16                     // orders that are read at once
)

// news keeps the browsers of this server up to date on what the other servers do: it hears over the bus that an order
// has a version, and reads it from the books. While the bus is away it asks the books for what is watched.
type news struct {
	bus   *bus.Bus
	hub   *live.Hub
	books pay.Store
	show  func(pay.Order)
	staff func(topic string) // tells the dashboards that watch here
	log   *slog.Logger

	missed chan struct{}
	room   chan struct{}
	known  map[pay.OrderID]int64 // the versions that the last poll found
}

// newNews connects to the bus at the address. It must join the other parts before the first browser comes.
func newNews(address string, books pay.Store, log *slog.Logger) (n *news, err error) {
	n = &news{books: books, log: log, missed: make(chan struct{}, 1), room: make(chan struct{}, newsRoom)}
	n.bus, err = bus.Connect(address, bus.Options{Heard: n.heard, Missed: n.miss, Log: log})
	return n, err
}

func (n *news) join(hub *live.Hub, s *server.Server, d *dashboard.Dashboard) {
	n.hub, n.show, n.staff = hub, s.Show, d.Tell
	s.Joined, s.Trouble = n.joined, n.trouble
	d.Told = func(topic string) { n.bus.Publish(topic, 0) }
}

func (n *news) miss() {
	select {
	case n.missed <- struct{}{}:
	default: // remembered already
	}
}

// joined waits until the bus knows what this server listens to, so that a snapshot taken then misses nothing that
// comes after it. Without the bus the poll makes up for it.
func (n *news) joined(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	if err := n.bus.Flush(ctx); err != nil && n.bus.Up() {
		n.miss()
	}
}

// tell lets the other servers know. It is called after the commit.
func (n *news) tell(o pay.Order) { n.bus.Publish(string(o.ID), o.Version) }

// heard shows an order that another server has changed. Which version was spoken of does not matter: the books have it
// or a newer one, and browsers keep the highest.
func (n *news) heard(topic string, _ int64) {
	if strings.HasPrefix(topic, dashboard.TopicPrefix) {
		n.staff(topic)
		return
	}
	n.room <- struct{}{}
	go func() {
		defer func() { <-n.room }()
		if err := n.read(context.Background(), pay.OrderID(topic)); err != nil {
			n.log.Warn("news", "order", topic, "error", err)
			n.miss()
		}
	}()
}

func (n *news) read(ctx context.Context, id pay.OrderID) error {
	var o pay.Order
	err := n.books.View(ctx, func(tx pay.Tx) (err error) {
		o, err = tx.Order(ctx, id)
		return err
	})
	if err == nil {
		n.show(o)
	}
	return err
}

// run polls while the bus is away, and once whenever something may have been missed, until ctx ends.
func (n *news) run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.missed:
		case <-tick.C:
			if n.bus.Up() {
				continue
			}
		}
		if err := n.poll(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("poll what is watched", "error", err)
		}
	}
}

// poll shows what is watched and has another version than the last poll found. What it has not seen before is shown
// as well: the browser may have its snapshot from before the change.
func (n *news) poll(ctx context.Context) error {
	var ids []pay.OrderID
	for _, topic := range n.hub.Topics() {
		if strings.HasPrefix(topic, dashboard.TopicPrefix) {
			n.staff(topic)
			continue
		}
		ids = append(ids, pay.OrderID(topic))
	}
	var versions map[pay.OrderID]int64
	err := n.books.View(ctx, func(tx pay.Tx) (err error) {
		versions, err = tx.Versions(ctx, ids)
		return err
	})
	if err != nil {
		return err
	}
	for id, v := range versions {
		if n.known[id] == v {
			continue
		}
		if err := n.read(ctx, id); err != nil {
			return err
		}
	}
	n.known = versions
	return nil
}

func (n *news) up() float64 {
	if n.bus.Up() {
		return 1
	}
	return 0
}

// trouble says what is amiss, "" if nothing is.
func (n *news) trouble() string {
	if n.bus.Up() {
		return ""
	}
	return "the bus is away: polling what is watched"
}
