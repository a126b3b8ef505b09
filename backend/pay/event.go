package pay

import "time"

// An Event is one thing that happened to an order. Events are only ever appended.
type Event struct {
	Order   OrderID
	Version int64 // of the order after the event
	Kind    Kind
	At      time.Time
	Detail  map[string]string // what an operator wants to read: numbers, source, amounts; never secrets
}
