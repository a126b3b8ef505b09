package pay

import "context"

type urgentKey struct{}

// Urgent returns a context whose changes of the books go before all others, and are never refused for there being too
// many: WeChat Pay waits five seconds for the answer to a callback (doc 4012791882).
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

// IsUrgent is for the [Store] to ask.
func IsUrgent(ctx context.Context) bool { return ctx.Value(urgentKey{}) != nil }
