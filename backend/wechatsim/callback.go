package wechatsim

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// callbackLimit is how long WeChat Pay waits for the answer to a callback.
const callbackLimit = 5 * time.Second

// resendWaits are the waits before each of the 15 resends, 24 h 4 min in all, counted from the first send, which
// follows the payment at once.
func resendWaits() []time.Duration {
	const s, m, h = time.Second, time.Minute, time.Hour
	return []time.Duration{15 * s, 15 * s, 30 * s, 3 * m, 10 * m, 20 * m, 30 * m, 30 * m, 30 * m, 60 * m,
		3 * h, 3 * h, 3 * h, 6 * h, 6 * h}
}

// A notification is one callback's content, the same in all its sends.
type notification struct {
	id        string
	createdAt time.Time
	url       string // "": the merchant wants none
	event     string // event_type
	kind      string // original_type, and what the content is encrypted with as associated_data
	summary   string
	content   message
	waits     []time.Duration // before each resend
	serial    string          // of the key that signs it; "": as Signing has it
	number    string          // the merchant's number of what it is about, for the log
	record    *[]Delivery     // where its sends are written down; Server.mu guards it
}

// A message is what a callback says, before it is encrypted. Its methods are the lies that a fault makes it tell.
type message interface {
	withWrongAmount() message
	withOtherMerchant() message
}

func (x transaction) withWrongAmount() message   { x.Amount.Total++; return x }
func (x transaction) withOtherMerchant() message { x.payee = x.other(); return x }

// notification tells of a payment.
func (t *trade) notification(m *Merchant, now time.Time) notification {
	return notification{id: newID(), createdAt: now, url: t.NotifyURL, event: "TRANSACTION.SUCCESS",
		kind: "transaction", summary: "支付成功", content: t.transaction(m), waits: resendWaits(),
		number: t.OutTradeNo, record: &t.Callbacks}
}

// envelope is the body of a callback.
type envelope struct {
	ID           string    `json:"id"`
	CreateTime   string    `json:"create_time"`
	ResourceType string    `json:"resource_type"`
	EventType    string    `json:"event_type"`
	Summary      string    `json:"summary"`
	Resource     *resource `json:"resource,omitempty"`
}

// resource is its encrypted part.
type resource struct {
	OriginalType   string `json:"original_type"`
	Algorithm      string `json:"algorithm"`
	Ciphertext     string `json:"ciphertext"`
	AssociatedData string `json:"associated_data,omitempty"`
	Nonce          string `json:"nonce"`
}

func newCallbackClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		// WeChat Pay's callbacks ask for no compression and know no proxy of ours.
		transport = &http.Transport{DisableCompression: true, IdleConnTimeout: time.Minute}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// announce starts the sends of a callback. The channel is closed when the first was answered or failed. The caller
// holds s.mu.
func (s *Server) announce(n notification) <-chan struct{} {
	first := make(chan struct{})
	if s.closed || n.url == "" {
		close(first)
		return first
	}
	p := s.faults.Callback.plan()
	s.callbacks.Go(func() { s.deliver(n, p, first) })
	return first
}

// newID has the 36 characters of a UUID.
func newID() string {
	raw := randomOf("0123456789abcdef", 32)
	return raw[:8] + "-" + raw[8:12] + "-" + raw[12:16] + "-" + raw[16:20] + "-" + raw[20:]
}

// deliver sends until the merchant accepts, the schedule is over, or the simulator is closed.
func (s *Server) deliver(n notification, p plan, first chan<- struct{}) {
	accepted := s.wait(p.delay) && s.firstSends(n, p)
	close(first)
	for _, d := range n.waits {
		if accepted || !s.wait(d) {
			return
		}
		accepted = s.send(n)
	}
}

// firstSends sends as often as planned, whatever the answers, and says whether any send was accepted.
func (s *Server) firstSends(n notification, p plan) bool {
	var accepted atomic.Bool
	var sends sync.WaitGroup
	for range 1 + p.copies {
		sends.Go(func() {
			if s.send(n) {
				accepted.Store(true)
			}
		})
		if !p.parallel {
			sends.Wait()
		}
	}
	sends.Wait()
	return accepted.Load()
}

// wait lasts d divided by the speed. It says false when the simulator was closed.
func (s *Server) wait(d time.Duration) bool {
	timer := time.NewTimer(time.Duration(float64(d) / s.speed))
	defer timer.Stop()
	select {
	case <-timer.C:
		return s.life.Err() == nil
	case <-s.life.Done():
		return false
	}
}

// send makes one send, as a fault wants it, records it, and says whether the merchant accepted.
func (s *Server) send(n notification) bool {
	now := s.clock()
	s.mu.Lock()
	d := s.faults.Callback.next()
	s.mu.Unlock()
	status, err := s.post(n, d, now)
	result := Delivery{At: now, Status: status, Fault: d.name}
	if err != nil {
		result.Err = err.Error()
	}
	s.log.Info("callback", "event", n.event, "number", n.number, "status", status, "fault", d.name, "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	*n.record = append(*n.record, result)
	return result.accepted()
}

// accepted says whether the merchant took the callback.
func (d Delivery) accepted() bool {
	return d.Status == http.StatusOK || d.Status == http.StatusNoContent
}

var errLost = errors.New("lost on the way")

func (s *Server) post(n notification, d damage, now time.Time) (status int, err error) {
	if d.lost {
		return 0, errLost
	}
	ctx, cancel := context.WithTimeout(s.life, callbackLimit)
	defer cancel()
	r, err := s.newCallback(ctx, n, d, now)
	if err != nil {
		return 0, err
	}
	answer, err := s.client.Do(r)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %v", callbackLimit)
	case s.life.Err() != nil && err != nil:
		err = errors.New("simulator closed")
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	// What the merchant says beside the status is of no interest; it is read so that the connection can be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxBody))
	return answer.StatusCode, nil
}

// newCallback makes the request of one send: encrypted and signed afresh, then damaged as d says.
func (s *Server) newCallback(ctx context.Context, n notification, d damage, now time.Time) (*http.Request, error) {
	e, err := s.newEnvelope(n, d)
	if err != nil {
		return nil, fmt.Errorf("callback: %w", err)
	}
	body := encode(e)
	if d.body != nil {
		body = d.body(body)
	}
	by, err := s.signerOfCallback(n.serial, now)
	if err != nil {
		return nil, fmt.Errorf("callback: %w", err)
	}
	signed, err := newSeals(by, now.Add(-d.age), body)
	if err != nil {
		return nil, fmt.Errorf("callback: %w", err)
	}
	if d.seals != nil {
		d.seals(&signed)
	}
	if d.wire != nil {
		body = d.wire(body)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("callback: %w", err)
	}
	set := r.Header.Set
	if d.header != nil {
		set = func(name, value string) { r.Header[d.header(name)] = []string{value} }
	}
	signed.write(set)
	set("Request-ID", requestID(numberOK))
	set("Accept", "*/*")
	set("Content-Type", "application/json")
	set("Pragma", "no-cache")
	r.Header.Set("User-Agent", "Mozilla/4.0") // net/http would add its own beside one of another case
	return r, nil
}

func (s *Server) newEnvelope(n notification, d damage) (envelope, error) {
	content := n.content
	if d.content != nil {
		content = d.content(content)
	}
	inner := resource{OriginalType: n.kind, Algorithm: "AEAD_AES_256_GCM", AssociatedData: n.kind,
		Nonce: randomOf(alphanumeric, 12)}
	if d.bare {
		inner.AssociatedData = ""
	}
	sealed, err := seal(s.keys.apiV3, inner.Nonce, inner.AssociatedData, encode(content))
	if err != nil {
		return envelope{}, err
	}
	inner.Ciphertext = sealed
	e := envelope{ID: n.id, CreateTime: rfc3339(n.createdAt),
		ResourceType: "encrypt-resource", EventType: n.event, Summary: n.summary, Resource: &inner}
	if d.envelope != nil {
		d.envelope(&e)
	}
	return e, nil
}

// customerPays pays an order in the middle of a call and waits until its first callback was answered or failed. An
// order that cannot be paid is left as it is.
func (s *Server) customerPays(ctx context.Context, outTradeNo string) {
	now := s.clock()
	s.mu.Lock()
	t := s.book.find(outTradeNo, now)
	if t == nil {
		s.mu.Unlock()
		return
	}
	if _, err := s.book.pay(t.key(), cmp.Or(t.ScannedBy, s.accounts[t.OpenID], DefaultPayer), now, &s.faults); err != nil {
		s.mu.Unlock()
		return
	}
	first := s.announce(t.notification(s.merchant, now))
	s.mu.Unlock()
	select {
	case <-first:
	case <-ctx.Done():
	}
}
