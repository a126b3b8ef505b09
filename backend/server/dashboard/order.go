package dashboard

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"saoma/backend/pay"
)

// An orderView is all about one order.
type orderView struct {
	pay.History
	Lines              []line
	MayRefund, MayStop bool
}

// A line is one thing in the life of an order.
type line struct {
	At    time.Time
	After time.Duration // since the order was made
	Text  string        // English
	Tone  string        // good, bad, or plain
	Notes []note
}

// A note says more about a line: a word of ours and a value.
type note struct {
	Word  string // English
	Value string
	Code  bool // a number that people copy
}

func (d *Dashboard) orderPage(q *request) error {
	v, err := d.readOrder(q)
	if err != nil {
		return err
	}
	return q.render(http.StatusOK, "order", v)
}

func (d *Dashboard) readOrder(q *request) (v orderView, err error) {
	v.History, err = d.Cashier.History(q.r.Context(), q.shop.ID, pay.OrderID(q.r.PathValue("id")))
	if err != nil {
		return v, err
	}
	for _, e := range v.Events {
		v.Lines = append(v.Lines, timeline(q.look.Lang, e, v.Order.CreatedAt))
	}
	for _, w := range v.Webhooks {
		for _, try := range w.Sent {
			v.Lines = append(v.Lines, sentLine(q.look.Lang, w, try, v.Order.CreatedAt))
		}
	}
	slices.SortStableFunc(v.Lines, func(a, b line) int { return a.At.Compare(b.At) })
	role := q.staff.Role
	v.MayRefund = v.Left > 0 && role.May(pay.RefundOrders)
	v.MayStop = (v.Order.State == pay.Created || v.Order.State == pay.Pending) && role.May(pay.CancelOrders)
	return v, nil
}

// sentLine tells of one try of a webhook.
func sentLine(lang string, w pay.Webhook, try pay.DeliveryTry, made time.Time) line {
	l := line{At: try.At, After: try.At.Sub(made), Text: "Webhook delivered to the shop’s server", Tone: "good"}
	if try.Trouble != "" {
		l.Text, l.Tone = "Webhook not delivered", "bad"
	}
	l.Notes = []note{{Word: "Event", Value: string(w.Type), Code: true}}
	if try.Status != 0 {
		l.Notes = append(l.Notes, note{Word: "HTTP status", Value: strconv.Itoa(try.Status)})
	}
	l.Notes = append(l.Notes, note{Word: "Took", Value: try.Took.Round(time.Millisecond).String()})
	if try.Trouble != "" {
		l.Notes = append(l.Notes, note{Word: "Trouble", Value: Say(lang, try.Trouble)})
	}
	return l
}

// eventTexts say what each kind of event is, and how good that is.
var eventTexts = map[pay.Kind]struct{ text, tone string }{
	pay.Opened:          {"Order made", "plain"},
	pay.Prepaid:         {"WeChat Pay gave the code", "plain"},
	pay.Shown:           {"Shown to the customer", "plain"},
	pay.Succeeded:       {"The customer paid", "good"},
	pay.Pushed:          {"The customer’s screen was told", "plain"},
	pay.TimedOut:        {"Expired", "bad"},
	pay.CalledOff:       {"Cancelled", "bad"},
	pay.Renewed:         {"New code after expiry", "plain"},
	pay.Replaced:        {"Code replaced", "plain"},
	pay.Mismatched:      {"A payment notice did not fit and was not booked", "bad"},
	pay.RefundAsked:     {"Refund asked for", "plain"},
	"refund_processing": {"WeChat Pay took the refund", "plain"},
	"refund_succeeded":  {"Money is back with the payer", "good"},
	"refund_abnormal":   {"Refund stuck: the payer’s account takes no money", "bad"},
	"refund_closed":     {"Refund given up; the money stayed with the shop", "bad"},
	pay.PartReturned:    {"Partly refunded", "plain"},
	pay.Returned:        {"Refunded in full", "plain"},
}

// timeline tells of an event in words.
func timeline(lang string, e pay.Event, made time.Time) line {
	l := line{At: e.At, After: e.At.Sub(made), Text: string(e.Kind), Tone: "plain"}
	if known, ok := eventTexts[e.Kind]; ok {
		l.Text, l.Tone = known.text, known.tone
	}
	add := func(word, value string, code bool) {
		if value != "" {
			l.Notes = append(l.Notes, note{Word: word, Value: value, Code: code})
		}
	}
	if s := e.Detail["source"]; s != "" {
		add("Heard by", translate(lang, "source "+s), false)
	}
	if c := e.Detail["channel"]; c != "" {
		add("Channel", translate(lang, "channel "+c), false)
	}
	for _, name := range []string{"amount", "total"} {
		if fen, err := strconv.ParseInt(e.Detail[name], 10, 64); err == nil {
			add("Amount", yuan(pay.Fen(fen)), false)
		}
	}
	add("By", e.Detail["staff"], false)
	add("Screens", e.Detail["watchers"], false)
	add("Differs in", e.Detail["differs"], false)
	if e.Detail["late"] == "true" {
		add("Late", translate(lang, "paid after expiry or cancellation"), false)
	}
	if e.Detail["second"] == "true" {
		add("Second payment", translate(lang, "goes back by itself"), false)
	}
	if e.Detail["automatic"] == "true" {
		add("By", translate(lang, "rule"), false)
	}
	add("transaction_id", e.Detail["transaction_id"], true)
	if !strings.HasPrefix(string(e.Kind), "refund_") {
		add("out_trade_no", e.Detail["out_trade_no"], true)
	}
	add("refund", e.Detail["refund"], true)
	return l
}
