package dashboard

import (
	"context"
	"net/url"
	"time"

	"saoma/backend/pay"
)

// newsEvery is how often browsers are told at most that there is something new: a shop may sell faster than people read.
const newsEvery = 300 * time.Millisecond

// warmEvery is how often figures are brought up to date though nobody looks.
const warmEvery = time.Minute

// news is all that is said. The browser then asks for its page again, with its own rights.
var news = []byte("changed")

// TopicPrefix is what all topics of dashboards begin with.
const TopicPrefix = "dashboard "

func ordersTopic(m pay.MerchantID) string { return TopicPrefix + string(m) }

func orderTopic(m pay.MerchantID, id pay.OrderID) string { return ordersTopic(m) + " " + string(id) }

// Changed takes note that an order has changed. It is called after the commit and does not wait.
func (d *Dashboard) Changed(o pay.Order) {
	d.Figures.Changed(o)
	d.note(ordersTopic(o.Merchant), orderTopic(o.Merchant, o.ID))
}

// HistoryChanged takes note that there is something new to read about an order that is as it was.
func (d *Dashboard) HistoryChanged(m pay.MerchantID, id pay.OrderID) {
	d.note(orderTopic(m, id))
}

func (d *Dashboard) note(topics ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(map[string]bool)
	}
	for _, t := range topics {
		d.changed[t] = true
	}
}

// Run tells browsers the news until ctx ends.
func (d *Dashboard) Run(ctx context.Context) {
	tick := time.NewTicker(newsEvery)
	defer tick.Stop()
	warm := time.NewTicker(warmEvery)
	defer warm.Stop()
	d.warm(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-warm.C:
			d.warm(ctx)
			continue
		case <-tick.C:
		}
		for topic := range d.takeChanged() {
			d.Tell(topic)
			if d.Told != nil {
				d.Told(topic)
			}
		}
	}
}

// Tell tells the browsers at this server that there is something new about a topic.
func (d *Dashboard) Tell(topic string) { d.Hub.Publish(topic, news, 0) }

// warm computes the figures that pages show, so that nobody has to wait for a month of them.
func (d *Dashboard) warm(ctx context.Context) {
	now := d.BackOffice.Now()
	for _, m := range d.Cashier.Merchants.All() {
		if staff, err := d.BackOffice.Staff(ctx, m.ID); err == nil && len(staff) == 0 {
			continue // nobody can look
		}
		from := now.Truncate(time.Hour).Add(-31 * 24 * time.Hour)
		if _, err := d.Figures.Hours(ctx, m.ID, from, now); err != nil && ctx.Err() == nil {
			d.Log.Warn("dashboard: figures", "merchant", m.ID, "error", err)
		}
	}
}

func (d *Dashboard) takeChanged() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.changed
	d.changed = nil
	return list
}

// live opens a socket that hears of news: of one order, or of all of the shop.
func (d *Dashboard) live(q *request) error {
	origin, err := url.Parse(q.r.Header.Get("Origin"))
	if err != nil || origin.Host != q.r.Host {
		return errForeign // sockets know no policy of origins but ours
	}
	topic := ordersTopic(q.staff.Merchant)
	if id := q.value("order"); id != "" {
		topic = orderTopic(q.staff.Merchant, pay.OrderID(id))
	}
	d.Hub.Serve(q.w, q.r, topic, func() ([]byte, int, error) { return news, 0, nil })
	return nil
}
