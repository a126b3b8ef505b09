package wechat

import (
	"sync"
	"time"
)

const (
	// hostFailures in a row of the main host, each a connection that failed or an answer that did not come,
	// and calls start at the backup host: one may be chance, two a router that restarts.
	hostFailures = 3

	// hostAway is how long calls then start at the backup. It is short, for the main host is the one that
	// WeChat Pay wants used, and long beside the three seconds that a call loses if the main host still hangs.
	hostAway = time.Minute

	// hostShare: meanwhile one call in so many starts at the main host and shows how that is.
	hostShare = 20

	// hostGood answers in a row of the main host end the time away early.
	hostGood = 3
)

// A host is one of the two that serve the same API (doc 4012075113). The signature does not cover it.
type host int

const (
	mainHost host = iota
	backupHost
)

func (h host) String() string {
	if h == backupHost {
		return "backup"
	}
	return "main"
}

// hosts decides where a merchant's calls start. Each merchant learns for itself, so that one whose address is
// wrong sends no other one away. The zero value starts at the main host; without a backup there is no other.
type hosts struct {
	backup bool // there is one

	mu       sync.Mutex
	away     bool      // calls start at the backup host
	failures int       // of the main host, in a row
	good     int       // answers of the main host while away, in a row
	since    time.Time // when the main host failed last, while away
	probed   time.Time // when a call last started at the main host, while away
	starts   int       // at the backup since then
}

// start returns where a new call begins.
func (h *hosts) start() host {
	if !h.backup {
		return mainHost
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.away {
		return mainHost
	}
	h.starts++
	now := time.Now()
	// Either way it is one call that asks, and the others do not wait for what it finds.
	if h.starts >= hostShare || now.Sub(h.probed) >= hostAway {
		h.starts, h.probed = 0, now
		return mainHost
	}
	return backupHost
}

// other returns where to go on after one has failed.
func (h *hosts) other(failed host) host {
	if h.backup && failed == mainHost {
		return backupHost
	}
	return mainHost
}

// met takes in whether a host answered, whatever it said, and reports whether calls start elsewhere from now on.
// How the backup host does changes nothing: if it fails the call goes on at the main host, whose answers bring
// the calls back.
func (h *hosts) met(at host, answered bool) (moved bool) {
	if !h.backup || at != mainHost {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	switch {
	case answered && h.away:
		h.failures, h.good = 0, h.good+1
		if h.good >= hostGood || now.Sub(h.since) >= hostAway {
			h.away, moved = false, true
		}
	case answered:
		h.failures = 0
	case h.away:
		h.good, h.since = 0, now
	default:
		if h.failures++; h.failures >= hostFailures {
			h.away, h.good, h.starts, h.since, h.probed, moved = true, 0, 0, now, now, true
		}
	}
	return moved
}
