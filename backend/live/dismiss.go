package live

import (
	"context"
	"slices"
	"time"
)

// dismissSteps is how often in a second some more sockets are told to come again, at most.
const dismissSteps = 50

// Dismiss tells the open sockets to come again, with code, at most so many a second: a crowd that a server sends away all at
// once is at the next one's door in the same moment, with a handshake and a snapshot each. Whoever still waits to be told hears
// news as before. It returns when all who were there have been told or ctx ends; what opens meanwhile is left to [Hub.Close].
func (h *Hub) Dismiss(ctx context.Context, code, perSecond int) {
	some := max(1, perSecond/dismissSteps)
	tick := time.NewTicker(time.Duration(some) * time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for crowd := range slices.Chunk(h.list(), some) {
		for _, s := range crowd {
			s.send(nil, code)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
