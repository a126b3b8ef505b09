package wechat

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"saoma/backend/pay"
)

const (
	// The circuit of a merchant opens when three quarters of its calls of the last half minute had no answer
	// or a 5xx. With half of them failing it is still worth while to call, for a repeat will do.
	circuitRate   = 0.75
	circuitPeriod = 30 * time.Second

	// circuitCalls is how many calls it takes to judge. Below that nothing piles up, and one customer's order,
	// its repeats and its sweeps are fewer.
	circuitCalls = 20

	// circuitPause is how long no call is made then, give or take circuitJitter, so that merchants do not come
	// back all at once. A customer who asks again some seconds later finds WeChat Pay back if it is.
	circuitPause  = 5 * time.Second
	circuitJitter = 0.2

	// circuitProbes calls are let through after the pause. All must be answered or the pause begins again: a
	// single good answer may be luck.
	circuitProbes = 2
)

// errCircuitOpen is behind the failure of a call that was not made. Like every failure that is not WeChat Pay's
// decision it is [pay.Unsure]: it says nothing of earlier calls with the same number.
var errCircuitOpen = errors.New("not called: WeChat Pay failed most calls of this merchant in the last half minute")

// errUnfinished is what a call that panics ends with.
var errUnfinished = errors.New("the call did not come to its end")

// A circuit keeps a merchant whose calls fail from waiting for more of them. Each merchant has its own, for the
// trouble may be its own: its line of the API, or the address in its configuration.
type circuit struct {
	breaker circuitbreaker.CircuitBreaker[any]
}

func newCircuit(m pay.MerchantID, log *slog.Logger) *circuit {
	return &circuit{circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(circuitRate, circuitCalls, circuitPeriod).
		WithDelay(circuitPause).WithJitterFactor(circuitJitter).
		WithSuccessThreshold(circuitProbes).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			log.Warn("wechat pay circuit changed", "merchant", m, "from", e.OldState.String(), "to", e.NewState.String())
		}).Build()}
}

// open reports whether calls fail without being made.
func (c *circuit) open() bool { return c.breaker.IsOpen() }

// enter asks for a call to be let through. Each call that was let through must leave with how it ended.
func (c *circuit) enter(ctx context.Context, op string) (leave func(error), err error) {
	if !c.breaker.TryAcquirePermit() {
		return nil, &pay.GatewayError{Op: op, Outcome: pay.Unsure, Err: errCircuitOpen}
	}
	probe := c.breaker.IsHalfOpen()
	return func(err error) {
		switch {
		case answered(err):
			c.breaker.RecordSuccess()
		case ctx.Err() == nil:
			c.breaker.RecordFailure()
		case probe && c.breaker.IsHalfOpen():
			// The caller left, which proves nothing. But a probe that does not report keeps its place for
			// ever, and with all places kept no call would be let through again.
			c.breaker.RecordFailure()
		}
	}, nil
}

// answered reports whether WeChat Pay did its work: it answered, if only to refuse, and not with a 5xx.
func answered(err error) bool {
	e, ok := errors.AsType[*pay.GatewayError](err)
	return err == nil || ok && e.Status != 0 && e.Status < 500
}
