package wechat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/wechatpay-apiv3/wechatpay-go/core"

	"saoma/backend/pay"
)

const (
	// pauseFirst bounds the pause before the second try; each further one may be twice as long. A customer
	// looks at the screen meanwhile, and the pauses of three tries leave each of them two seconds at least.
	pauseFirst = 400 * time.Millisecond
	pauseMax   = 4 * time.Second

	// tryMin is the least time for a try before another one is made. An answer comes within a second; over a
	// bad line a connection takes another.
	tryMin = 2 * time.Second
)

// newPauses are the pauses between tries: exponential with full jitter, a random part of a bound that doubles,
// so that callers who failed together do not come back together.
func newPauses() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		// The library's interval is the middle of what it draws from, which is 0 to twice the interval.
		InitialInterval: pauseFirst / 2, MaxInterval: pauseMax / 2, RandomizationFactor: 1, Multiplier: 2,
	}
}

// tries are the tries of one call. Each sends the identical request, signed afresh: every call is idempotent by
// its number, whichever host takes it.
//
// What a call leaves behind is what all its tries together may have left behind. If WeChat Pay refuses a try, or
// does not know the number, after an earlier try of the same call went unanswered, the earlier one may have been
// taken: a POST is then [pay.Unsure], with the status and the code of the refusal. A GET changes nothing, and so
// its last answer holds.
type tries struct {
	log      *slog.Logger
	called   func(op, result string, took time.Duration)
	retries  int
	op       string
	merchant pay.MerchantID
	want     int // status
	send     func(context.Context, *account) (*core.APIResult, error)

	account *account
	caller  context.Context // its end is the caller's wish
	stream  bool            // the answer is long: no try is cut short in favour of the next

	host     host
	made     int
	unproven int               // answers that were not verified
	doubt    bool              // a try may have been taken
	last     *pay.GatewayError // how the last try failed
}

// run makes tries until one has an answer, or there are enough of them, or there is no time for another.
func (t *tries) run(ctx context.Context) (answer, error) {
	deadline, _ := ctx.Deadline()
	a, err := backoff.Retry(ctx, func() (answer, error) { return t.next(ctx) },
		backoff.WithBackOff(newPauses()),
		backoff.WithMaxTries(uint(1+t.retries)),
		backoff.WithMaxElapsedTime(time.Until(deadline)))
	if err == nil {
		return a, nil
	}
	if ended := ctx.Err(); ended != nil && !errors.Is(err, t.last) { // in a pause
		t.last.Err = both(ended, t.last.Err)
	}
	return answer{}, t.last
}

// next makes one try.
func (t *tries) next(ctx context.Context) (answer, error) {
	ctx, cancel := t.limited(ctx)
	defer cancel()
	t.made++
	began := time.Now()
	result, err := t.send(ctx, t.account.at(t.host))
	a, failed := read(ctx, result, err)
	t.log.DebugContext(ctx, "wechat pay called", "op", t.op, "merchant", t.merchant, "status", a.status,
		"wechat_request_id", a.requestID, "took", time.Since(began), "try", t.made, "host", t.host.String())
	unproven := failed != nil && a.status/100 == 2
	if failed == nil && a.status != t.want {
		// 202 means: repeat the same request (doc 4012081709).
		failed = &pay.GatewayError{Status: a.status, RequestID: a.requestID, Err: fmt.Errorf("wanted %d", t.want)}
	}
	t.called(t.op, resultOf(failed), time.Since(began))
	lost := failed != nil && t.lost(result, failed)
	t.meet(ctx, a.status != 0, lost)
	if failed == nil {
		return a, nil
	}
	failed.Op = t.op
	t.last = failed
	t.weigh(result)
	if !lost && !t.again(a.status, unproven) || t.account.circuit.open() {
		return answer{}, backoff.Permanent(failed)
	}
	return answer{}, failed
}

// limited gives a try its share of the time that is left, so that one that hangs leaves time for the others.
// The last try has all that is left.
func (t *tries) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	toMake := 1 + t.retries - t.made
	deadline, ok := ctx.Deadline()
	if toMake <= 1 || t.stream || !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, max(time.Until(deadline)/time.Duration(toMake), tryMin))
}

// lost reports whether a try found no host or lost it. It did not if the caller left, if the SDK could not even
// make the request, or if what came was longer than any answer is.
func (t *tries) lost(result *core.APIResult, failed *pay.GatewayError) bool {
	return failed.Status == 0 && result != nil && t.caller.Err() == nil && !errors.Is(failed, errAnswerTooLong)
}

// meet tells the hosts of a try, and goes to the other host for the next one if this one was lost.
func (t *tries) meet(ctx context.Context, answered, lost bool) {
	if !answered && !lost {
		return
	}
	if t.account.hosts.met(t.host, answered) {
		t.log.WarnContext(ctx, "wechat pay calls start at another host", "merchant", t.merchant,
			"main_answers", answered)
	}
	if lost {
		t.host = t.account.hosts.other(t.host)
	}
}

// weigh keeps the outcome of the whole call true; see [tries].
func (t *tries) weigh(result *core.APIResult) {
	changes := result == nil || result.Request == nil || result.Request.Method != http.MethodGet
	switch {
	case !changes:
	case t.last.Outcome == pay.Unsure:
		t.doubt = true
	case t.doubt:
		t.last.Outcome = pay.Unsure
		t.last.Err = both(errEarlierTry, t.last.Err)
	}
}

// errEarlierTry is why a refusal is not sure.
var errEarlierTry = errors.New("an earlier try of this call may have been taken")

// again reports whether a try that was answered is worth another: there is trouble at WeChat Pay that passes.
// An answer that is not verified is worth one: the next that is not verified has not been damaged by chance.
func (t *tries) again(status int, unproven bool) bool {
	if unproven {
		t.unproven++
		return t.unproven == 1
	}
	switch t.last.Code {
	case "SYSTEM_ERROR", "SERVICE_UNAVAILABLE", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED":
		return true // whatever the status
	}
	return status == http.StatusAccepted || status == http.StatusTooManyRequests || status >= 500
}

// both puts two errors in one line. The second may be nil.
func both(first, second error) error {
	if second == nil {
		return first
	}
	return inOneLine(fmt.Errorf("%w: %w", first, second))
}
