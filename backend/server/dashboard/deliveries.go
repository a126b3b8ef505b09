package dashboard

import (
	"net/http"
	"strconv"
	"time"

	"saoma/backend/pay"
)

const (
	deliveriesLines = 50
	webhooksPath    = Prefix + "webhooks"

	// localTime is how a browser's datetime-local writes a moment, by Beijing's clock.
	localTime = "2006-01-02T15:04"
)

// A deliveriesView is how the shop's endpoint stands, and the list of deliveries.
type deliveriesView struct {
	Address    string // of the shop's server; empty if it has none
	Endpoint   pay.EndpointReport
	Health     string // healthy, failing, stopped, gone
	State      string
	Type       string
	Order      string
	States     []pay.DeliveryState
	Types      []pay.WebhookType
	Deliveries []pay.Delivery
	Filtered   bool
	Older      string // addresses of other pages; empty if there are none
	Newest     string
	Since      string // proposed for sending all again
}

func (d *Dashboard) deliveriesPage(q *request) (err error) {
	v := deliveriesView{
		Address: q.shop.WebhookURL, State: q.value("state"), Type: q.value("type"), Order: clip(q.value("order"), 64),
		States: pay.DeliveryStates(), Types: pay.WebhookTypes(),
		Since: d.Cashier.Now().In(beijing).Add(-24 * time.Hour).Format(localTime),
	}
	if v.Endpoint, err = d.Cashier.WebhookEndpoint(q.r.Context(), q.shop.ID); err != nil {
		return err
	}
	v.Health = health(v.Endpoint)
	before := clip(q.value("before"), 64)
	list, err := d.Cashier.Deliveries(q.r.Context(), pay.DeliveryFilter{
		Merchant: q.shop.ID, State: pay.DeliveryState(v.State), Type: pay.WebhookType(v.Type), Order: pay.OrderID(v.Order),
		Before: pay.DeliveryID(before), Limit: deliveriesLines + 1, // one more tells whether there is a next page
	})
	if err != nil {
		return err
	}
	filter := map[string]string{"state": v.State, "type": v.Type, "order": v.Order}
	v.Filtered = v.State+v.Type+v.Order != ""
	if len(list) > deliveriesLines {
		list = list[:deliveriesLines]
		v.Older = listAddress(webhooksPath, filter, "before", string(list[deliveriesLines-1].ID))
	}
	if before != "" {
		v.Newest = listAddress(webhooksPath, filter)
	}
	v.Deliveries = list
	return q.render(http.StatusOK, "webhooks", v)
}

// health is the endpoint's state in a word.
func health(r pay.EndpointReport) string {
	switch {
	case r.State == pay.EndpointStopped, r.State == pay.EndpointGone:
		return string(r.State)
	case r.Failures > 0:
		return "failing"
	}
	return "healthy"
}

// A deliveryView is one delivery with all its tries, the newest first.
type deliveryView struct {
	pay.Delivery
	Sent  []pay.DeliveryTry
	Again bool // it may be sent again
	Text  string
}

func (d *Dashboard) deliveryPage(q *request) error {
	delivery, tries, err := d.Cashier.Delivery(q.r.Context(), q.shop.ID, pay.DeliveryID(q.r.PathValue("id")))
	if err != nil {
		return err
	}
	v := deliveryView{Delivery: delivery, Text: string(delivery.Body), Again: delivery.Type != pay.WebhookTest && q.shop.WebhookURL != ""}
	for i := range tries {
		v.Sent = append(v.Sent, tries[len(tries)-1-i])
	}
	return q.render(http.StatusOK, "webhook", v)
}

func (d *Dashboard) resend(q *request) error {
	id := q.r.PathValue("id")
	here := webhooksPath + "/" + id
	if _, err := d.Cashier.ResendBy(q.r.Context(), q.shop.ID, pay.DeliveryID(id), q.by()); err != nil {
		return q.refused(here, err)
	}
	return q.done(here, "It is being sent again.")
}

func (d *Dashboard) enableWebhooks(q *request) error {
	if err := d.Cashier.EnableWebhooksBy(q.r.Context(), q.shop.ID, q.by()); err != nil {
		return q.refused(webhooksPath, err)
	}
	return q.done(webhooksPath, "All that waits is being sent.")
}

// testWebhook sends a test event and shows what came of it.
func (d *Dashboard) testWebhook(q *request) error {
	delivery, try, err := d.Cashier.TestWebhookBy(q.r.Context(), q.shop.ID, q.by())
	if err != nil {
		return q.refused(webhooksPath, err)
	}
	here := webhooksPath + "/" + string(delivery.ID)
	if try.Trouble != "" {
		return q.failed(here, "The test was not taken: %s", try.Trouble)
	}
	return q.done(here, "The shop’s server took the test, with the status %s.", strconv.Itoa(try.Status))
}

// A resendView asks whether all since a moment is really to be sent again.
type resendView struct {
	Since time.Time
	Typed string
	What  string // failed, or all
	Max   int64
}

// typedSince reads since when and what is to be sent again.
func (q *request) typedSince() (v resendView, states []pay.DeliveryState, ok bool) {
	v = resendView{Typed: q.value("since"), What: q.value("what"), Max: pay.ResendMax}
	since, err := time.ParseInLocation(localTime, v.Typed, beijing)
	if err != nil {
		return v, nil, false
	}
	v.Since = since
	if v.What != "all" {
		v.What, states = "failed", []pay.DeliveryState{pay.DeliveryFailed}
	}
	return v, states, true
}

const noMoment = "Write a date and a time, like 2026-11-23T08:00."

func (d *Dashboard) resendPage(q *request) error {
	v, _, ok := q.typedSince()
	if !ok {
		return q.failed(webhooksPath, noMoment)
	}
	return q.render(http.StatusOK, "resend", v)
}

func (d *Dashboard) resendSince(q *request) error {
	v, states, ok := q.typedSince()
	if !ok {
		return q.failed(webhooksPath, noMoment)
	}
	n, err := d.Cashier.ResendSinceBy(q.r.Context(), q.shop.ID, v.Since, q.by(), states...)
	if err != nil {
		return q.refused(webhooksPath, err)
	}
	return q.done(webhooksPath, "%s webhooks are being sent again.", grouped(n))
}
