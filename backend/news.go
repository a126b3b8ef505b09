package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"saoma/backend/bus"
	"saoma/backend/live"
	"saoma/backend/pay"
	"saoma/backend/server"
	"saoma/backend/server/dashboard"
)

const (
	pollEvery = time.Second            // how late browsers hear of what another server did while the bus is away
	pollCalm  = 10                     // so many times rarer while it is there: for a server that alone cannot reach it
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

	mu    sync.Mutex
	shown map[pay.OrderID]int64 // of what was watched at the last poll or since: the newest version
}

// newNews connects to the bus at the address. It must join the other parts before the first browser comes.
func newNews(address string, books pay.Store, log *slog.Logger) (n *news, err error) {
	n = &news{books: books, log: log, missed: make(chan struct{}, 1), room: make(chan struct{}, newsRoom), shown: make(map[pay.OrderID]int64)}
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

// tell lets the other servers know of an order that was committed, and has been shown here.
func (n *news) tell(o pay.Order) {
	n.bus.Publish(string(o.ID), o.Version)
	n.remember(o)
}

func (n *news) remember(o pay.Order) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, watched := n.shown[o.ID]; watched {
		n.shown[o.ID] = max(n.shown[o.ID], o.Version)
	}
}

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
		n.remember(o)
	}
	return err
}

// run polls while the bus is away, and once whenever something may have been missed, until ctx ends.
func (n *news) run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	behind := false // the last poll failed
	for ticks := 1; ; ticks++ {
		select {
		case <-ctx.Done():
			return
		case <-n.missed:
		case <-tick.C:
			if n.bus.Up() && !behind && ticks%pollCalm != 0 {
				continue
			}
		}
		err := n.poll(ctx)
		if behind = err != nil; behind && ctx.Err() == nil {
			n.log.Warn("poll what is watched", "error", err)
		}
	}
}

// poll shows what is watched and has a newer version than was shown. What is watched since the last poll is shown as
// well: the browser may have its snapshot from before the change.
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
	for _, id := range n.newer(versions) {
		if err := n.read(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// newer returns the orders whose version is newer than what was shown, and forgets those that nobody watches any more.
func (n *news) newer(versions map[pay.OrderID]int64) (list []pay.OrderID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	shown := make(map[pay.OrderID]int64, len(versions))
	for id, v := range versions {
		shown[id] = n.shown[id]
		if v > n.shown[id] {
			list = append(list, id)
		}
	}
	n.shown = shown
	return list
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
