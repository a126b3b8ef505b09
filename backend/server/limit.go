package server

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/time/rate"

	"saoma/backend/pay"
	"saoma/widget/ui"
)

// What is limited, by the names that the RateLimit headers give the policies. Callbacks of WeChat Pay never are.
const (
	limitRequests     = "requests"     // a merchant's servers, together
	limitCheckouts    = "checkouts"    // new checkouts of a merchant from one address
	limitActions      = "actions"      // renew, cancel and check of one order
	limitUnauthorized = "unauthorized" // calls with a wrong key from one address
)

const (
	limitWindow     = time.Minute // over which quotas are counted
	actionsMax      = 60          // an impatient finger, and its network that repeats
	unauthorizedMax = 60

	limitEntriesMax = 100_000 // counted at once; what is beyond pushes others out
)

// A limiter counts calls by token buckets: a quota at once, and as much again spread over the window. It forgets who
// has the whole quota again, so that it holds only who called within the last window.
type limiter struct {
	mu      sync.Mutex
	buckets map[limitKey]*rate.Limiter
	purgeAt int // when so many are counted, those with a whole quota are forgotten
}

type limitKey struct{ policy, subject string }

const purgeMin = 1024 // fewer are not worth the look

// A tally is what became of one call.
type tally struct {
	policy     string
	quota      int
	ok         bool
	remaining  int
	reset      time.Duration // until the whole quota is there again
	retryAfter time.Duration // until one call is
}

// take counts a call at now.
func (l *limiter) take(policy, subject string, quota int, now time.Time) tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := limitKey{policy, subject}
	every := rate.Limit(float64(quota) / limitWindow.Seconds())
	b := l.buckets[key]
	if b == nil || b.Burst() != quota { // the configuration has changed
		l.makeRoom(now)
		b = rate.NewLimiter(every, quota)
		l.buckets[key] = b
	}
	ok := b.AllowN(now, 1)
	left := b.TokensAt(now)
	until := func(tokens float64) time.Duration {
		return time.Duration(math.Max(0, tokens-left) / float64(every) * float64(time.Second))
	}
	return tally{policy, quota, ok, int(max(left, 0)), until(float64(quota)), until(1)}
}

// makeRoom forgets those who have the whole quota again, and, if there are too many others, some of them.
func (l *limiter) makeRoom(now time.Time) {
	if l.buckets == nil {
		l.buckets, l.purgeAt = make(map[limitKey]*rate.Limiter), purgeMin
	}
	if len(l.buckets) < l.purgeAt {
		return
	}
	for key, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, key)
		}
	}
	// An eighth of the room at a time, so that not every new one looks at all the others.
	for key := range l.buckets {
		if len(l.buckets) <= limitEntriesMax/8*7 {
			break
		}
		delete(l.buckets, key)
	}
	l.purgeAt = min(max(purgeMin, 2*len(l.buckets)), limitEntriesMax)
}

// headers tell the caller how it stands (draft-ietf-httpapi-ratelimit-headers-10).
func (t tally) headers(h http.Header) {
	h.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", t.policy, t.quota, int(limitWindow.Seconds())))
	h.Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", t.policy, t.remaining, ceilSeconds(t.reset)))
	if !t.ok {
		h.Set("Retry-After", strconv.Itoa(max(1, ceilSeconds(t.retryAfter))))
	}
}

func ceilSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// A caller is who called, as the limits see it.
type caller struct {
	address string
	answer  http.Header
	lane    *lane
	request *http.Request
}

// langOf is the language of the customer, if a browser calls or the shop's server passes it on.
func langOf(r *http.Request) string {
	return ui.MatchLang(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
}

type callerKey struct{}

// withCaller lets a call find out who called, and refuses it if there is no room. It stands before all other middlewares of
// a call.
func (s *Server) withCaller(op huma.Operation) huma.Operation {
	op.Middlewares = append(huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		c := caller{s.addressOf(r), w.Header(), s.laneOf(r), r}
		ctx = huma.WithValue(ctx, callerKey{}, c)
		if err := c.lane.full(); err != nil {
			writeProblem(w, s.problem(ctx.Context(), op.OperationID, err))
			return
		}
		next(ctx)
	}}, op.Middlewares...)
	return op
}

// addressOf is the caller's address; of IPv6 the network that one customer commonly has for himself.
func (s *Server) addressOf(r *http.Request) string {
	ip, err := s.clientIP(r)
	if err != nil {
		return "this machine"
	}
	if ip.Is6() {
		if net, err := ip.Prefix(64); err == nil {
			return net.String()
		}
	}
	return netip.Addr.String(ip)
}

// limit counts a call under a policy and refuses it if there were too many.
func (s *Server) limit(ctx context.Context, policy, subject string, quota int) error {
	t := s.limits.take(policy, subject, quota, s.Cashier.Now())
	if c, ok := ctx.Value(callerKey{}).(caller); ok {
		t.headers(c.answer)
	}
	if t.ok {
		return nil
	}
	return &problem{Status: http.StatusTooManyRequests, Code: "too_many_requests",
		Detail: fmt.Sprintf("at most %d in %d seconds; wait as long as Retry-After says", quota, int(limitWindow.Seconds()))}
}

// unauthorized is the answer to a wrong key, and after too many of them from one address another one.
func (s *Server) unauthorized(ctx context.Context, detail string, fields ...problemField) error {
	c, _ := ctx.Value(callerKey{}).(caller)
	if err := s.limit(ctx, limitUnauthorized, c.address, unauthorizedMax); err != nil {
		return err
	}
	return &problem{Status: http.StatusUnauthorized, Code: string(pay.Unauthorized), Detail: detail, Errors: fields}
}
