package ui

import (
	"time"

	"saoma/backend/wire"
)

const (
	// retryFirst and retryMost bound the wait before the socket is opened again: at once for a hiccup, and no
	// longer than a customer who has just paid will watch the screen.
	retryFirst = 250 * time.Millisecond
	retryMost  = 8 * time.Second

	// pollAfter failures of the socket in a row, the script polls until the socket is back.
	pollAfter = 2

	// openLimit is how long a socket may take to bring its first message. Some proxies accept the request and
	// never answer it; a phone on a weak network needs two or three seconds.
	openLimit = 6 * time.Second
)

// backoff is the wait before try number fails+1, with full jitter: chance is from [0, 1), so that the
// browsers that a restarting server dropped do not all come back in the same moment.
func backoff(fails int, chance float64) time.Duration {
	limit := retryMost
	if doublings := fails - 1; doublings < 6 { // 250 ms · 2⁵ is retryMost
		limit = min(retryFirst<<max(doublings, 0), retryMost)
	}
	return time.Duration(chance * float64(limit))
}

// closedForGood reports whether a close code asks the browser to stay away. Every other one, be it the
// server's, a proxy's or the browser's own 1006, invites it back.
func closedForGood(code int) bool {
	return code == wire.CloseNoOrder || code >= 4500 && code <= 4999
}
