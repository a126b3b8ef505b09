package wechat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// answerMax bounds an answer in bytes. The longest documented one, a query's with all its coupons and
// goods, has some ten thousand; the SDK itself would read without end.
const answerMax = 1 << 20

var errAnswerTooLong = errors.New("the answer is longer than 1 MiB")

// newTransport makes connections to WeChat Pay and keeps them for reuse. It asks no environment variable
// for a proxy: through one, an operator would not see where the calls went.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    3 * time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    128, // the sweep alone makes 64 calls at once for a merchant
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// newClient returns a client of one merchant. It has no time limit of its own: every call's context has.
func newClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport,
		// A redirect is an answer that nobody signed; following it would repeat a signed request elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// A hostTransport sends requests to another host than the SDK's constant, which the signature allows: it
// covers method, path, query and body. And it reads answers whole, within a limit, while the context counts.
type hostTransport struct {
	base         http.RoundTripper
	scheme, host string
}

func (t *hostTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.send(r)
	if err != nil {
		return nil, err
	}
	return readWhole(response)
}

// send leaves the answer's body unread.
func (t *hostTransport) send(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context()) // a RoundTripper must leave the request as it is
	r.URL.Scheme, r.URL.Host, r.Host = t.scheme, t.host, t.host
	return t.base.RoundTrip(r)
}

func readWhole(response *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, answerMax+1))
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(body) > answerMax {
		return nil, errAnswerTooLong
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
