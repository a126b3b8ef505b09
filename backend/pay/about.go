package pay

import "context"

// A Subject is what a call to WeChat Pay is about. It travels in the call's context, so that whoever logs the call can
// name it; nothing is decided by it.
type Subject struct {
	Order      OrderID
	OutTradeNo string
	Refund     RefundID // empty if it is about the payment
}

type subjectKey struct{}

// SubjectOf returns what the call with this context is about; the zero value if nobody said so.
func SubjectOf(ctx context.Context) Subject {
	s, _ := ctx.Value(subjectKey{}).(Subject)
	return s
}

func (a Attempt) about(ctx context.Context) context.Context {
	return context.WithValue(ctx, subjectKey{}, Subject{Order: a.Order, OutTradeNo: a.OutTradeNo})
}

func (r Refund) about(ctx context.Context) context.Context {
	return context.WithValue(ctx, subjectKey{}, Subject{Order: r.Order, OutTradeNo: r.OutTradeNo, Refund: r.ID})
}
