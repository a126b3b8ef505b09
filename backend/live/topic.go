package live

import "sync"

// A topic exists only while somebody listens.
type topic struct {
	sockets  []*socket
	changed  chan struct{} // shared by all watchers, closed at the next publish; nil without watchers
	watchers int
}

// Publish sends msg to every socket of the topic and wakes its watchers. With a closeCode the sockets are
// closed after the message; a nil msg only closes, or only wakes. Publish does not wait for the network.
// It keeps msg, which must not be changed afterwards. It returns how many sockets and watchers there were.
func (h *Hub) Publish(name string, msg []byte, closeCode int) (listeners int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[name]
	if t == nil {
		return 0
	}
	listeners = len(t.sockets) + t.watchers
	for _, s := range t.sockets {
		s.send(msg, closeCode)
	}
	t.wake()
	h.dropIfEmpty(name, t)
	return listeners
}

// Watch is for long polls: changed is closed by the next Publish to the topic, or by Close. Call stop when
// no longer interested; it may be called at any time and more than once.
func (h *Hub) Watch(name string) (changed <-chan struct{}, stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return h.done, func() {}
	}
	t := h.topic(name)
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	t.watchers++
	own := t.changed
	return own, sync.OnceFunc(func() { h.unwatch(name, own) })
}

func (h *Hub) unwatch(name string, changed chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[name]
	if t == nil || t.changed != changed {
		return // woken before
	}
	t.watchers--
	if t.watchers == 0 {
		t.changed = nil
	}
	h.dropIfEmpty(name, t)
}

// topic returns the topic of that name, new if nobody listened before. The caller holds mu.
func (h *Hub) topic(name string) *topic {
	t := h.topics[name]
	if t == nil {
		t = &topic{}
		h.topics[name] = t
		h.options.Listening(name, true)
	}
	return t
}

// dropIfEmpty forgets a topic that nobody listens to. The caller holds mu.
func (h *Hub) dropIfEmpty(name string, t *topic) {
	if len(t.sockets) == 0 && t.changed == nil {
		delete(h.topics, name)
		h.options.Listening(name, false)
	}
}

// wake ends all watches of the topic. The caller holds the hub's mu.
func (t *topic) wake() {
	if t.changed != nil {
		close(t.changed)
		t.changed, t.watchers = nil, 0
	}
}
