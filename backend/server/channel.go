package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"saoma/backend/pay"
	"saoma/backend/wire"
)

// WeChat is what a page inside WeChat needs besides the domain.
type WeChat interface {
	// AuthorizeURL returns where the browser goes to come back to redirectURI with a code and a state.
	AuthorizeURL(m pay.MerchantID, redirectURI, subject string) (string, error)
	// OpenID exchanges both for the customer's openid.
	OpenID(ctx context.Context, m pay.MerchantID, subject, code, state string) (string, error)
	// Bridge signs what the page pays by.
	Bridge(m pay.MerchantID, prepayID string) (pay.BridgeCall, error)
}

// deviceOf judges a browser by its User-Agent. WeChat's desktop form says MicroMessenger too, but cannot pay there;
// a tablet does not say Mobile on Android and says Macintosh on iPadOS, and its screen is large enough for a code.
func deviceOf(userAgent string) wire.Device {
	says := func(word string) bool { return strings.Contains(strings.ToLower(userAgent), word) }
	switch {
	case says("windowswechat"), says("macwechat"):
		return wire.DeviceDesktop
	case says("micromessenger"):
		return wire.DeviceWeChat
	case says("mobile"), says("iphone"), says("ipod"):
		return wire.DeviceMobile
	}
	return wire.DeviceDesktop
}

// channels are the merchant's ways to pay that end on the device.
func channels(m pay.Merchant, d wire.Device) []string {
	here := map[wire.Device]pay.Channel{
		wire.DeviceDesktop: pay.Native, wire.DeviceWeChat: pay.JSAPI, wire.DeviceMobile: pay.H5,
	}[d]
	if !m.Takes(here) {
		return []string{}
	}
	return []string{string(here)}
}

// bridge is what the page inside WeChat pays by, nil if it is not open there or the customer is not known yet.
func (s *Server) bridge(ctx context.Context, o pay.Order, d wire.Device) (*wire.BridgeCall, error) {
	if d != wire.DeviceWeChat || o.Channel != pay.JSAPI || o.State != pay.Pending {
		return nil, nil
	}
	a, err := s.Cashier.Open(ctx, o.ID)
	if pay.CodeOf(err) == pay.NotFound {
		return nil, nil // it has just been paid or closed
	}
	if err != nil {
		return nil, err
	}
	call, err := s.WeChat.Bridge(o.Merchant, a.PrepayResult)
	if err != nil {
		return nil, err
	}
	page := wire.BridgeCall(call)
	return &page, nil
}

// The two calls below are links and not posts, because a link works in a frame, which may leave for the top window
// only by the customer's own click, works without scripts, and carries the Referer that WeChat Pay wants to see on its
// H5 page. What they do may be repeated: the same customer gets the same attempt again.

// payInWeChat makes the order payable by the customer's own WeChat: first it sends the browser to WeChat for a code,
// then it comes back with it and makes the attempt. The page then pays by WeixinJSBridge.
func (s *Server) payInWeChat(w http.ResponseWriter, r *http.Request) {
	o, m, err := s.orderOfToken(r.Context(), r.PathValue("token"), "")
	if err != nil {
		s.pageProblem(w, r, err)
		return
	}
	q := r.URL.Query()
	page := s.pageOf(o, m, q)
	switch {
	case isPrefetch(r):
		w.WriteHeader(http.StatusServiceUnavailable)
	case deviceOf(r.UserAgent()) != wire.DeviceWeChat || !m.Takes(pay.JSAPI):
		leave(w, r, page.String()) // which offers what is possible
	case q.Get("code") == "" && q.Get("state") == "":
		here := page
		here.Path += "/wechat"
		there, err := s.WeChat.AuthorizeURL(m.ID, here.String(), string(o.Token))
		if err != nil {
			s.cannot(w, r, o, page, pay.JSAPI, err)
			return
		}
		leave(w, r, there)
	default:
		s.backFromWeChat(w, r, o, page)
	}
}

// backFromWeChat takes the code that the browser has brought.
func (s *Server) backFromWeChat(w http.ResponseWriter, r *http.Request, o pay.Order, page url.URL) {
	q := r.URL.Query()
	openid, err := s.WeChat.OpenID(r.Context(), o.Merchant, string(o.Token), q.Get("code"), q.Get("state"))
	if err != nil {
		s.cannot(w, r, o, page, pay.JSAPI, err)
		return
	}
	if _, err := s.switchTo(r.Context(), o, pay.Way{Channel: pay.JSAPI, OpenID: openid}); err != nil {
		s.cannot(w, r, o, page, pay.JSAPI, err)
		return
	}
	page.Fragment = "pay" // the customer has chosen: the page goes on by itself
	leave(w, r, page.String())
}

// payByH5 sends the browser to WeChat Pay's page, which opens WeChat and comes back to ours.
func (s *Server) payByH5(w http.ResponseWriter, r *http.Request) {
	o, m, err := s.orderOfToken(r.Context(), r.PathValue("token"), "")
	if err != nil {
		s.pageProblem(w, r, err)
		return
	}
	page := s.pageOf(o, m, r.URL.Query())
	switch {
	case isPrefetch(r):
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case deviceOf(r.UserAgent()) == wire.DeviceWeChat || !m.Takes(pay.H5):
		leave(w, r, page.String())
		return
	case r.Referer() == "":
		s.cannot(w, r, o, page, pay.H5, errors.New("the browser sends no Referer, without which WeChat Pay refuses"))
		return
	}
	ip, err := s.clientIP(r)
	if err != nil {
		s.cannot(w, r, o, page, pay.H5, err)
		return
	}
	a, err := s.switchTo(r.Context(), o, pay.Way{Channel: pay.H5, ClientIP: ip.String()})
	if err != nil {
		s.cannot(w, r, o, page, pay.H5, err)
		return
	}
	leave(w, r, a.PrepayResult+"&redirect_url="+url.QueryEscape(page.String()))
}

// switchTo makes the order payable in the way. Two taps at once are one wish.
func (s *Server) switchTo(ctx context.Context, o pay.Order, way pay.Way) (pay.Attempt, error) {
	ctx = context.WithoutCancel(ctx) // a browser that leaves must not leave another's wish undone
	key := strings.Join([]string{"pay", string(o.ID), string(way.Channel), way.OpenID, way.ClientIP}, "\n")
	made, err, _ := s.flights.Do(key, func() (any, error) {
		_, a, err := s.Cashier.Switch(ctx, o.ID, way)
		return a, err
	})
	if err != nil {
		return pay.Attempt{}, err
	}
	return made.(pay.Attempt), nil
}

// cannot leads back to the page, which says so if the channel is to blame. A paid order speaks for itself.
func (s *Server) cannot(w http.ResponseWriter, r *http.Request, o pay.Order, page url.URL, ch pay.Channel, err error) {
	if pay.CodeOf(err) != pay.Conflict {
		s.Log.Warn("cannot be paid", "channel", ch, "order", o.ID, "request", requestID(r.Context()), "error", err)
		q := page.Query()
		q.Set("failed", string(ch))
		page.RawQuery = q.Encode()
	}
	leave(w, r, page.String())
}

// failedOf reads what cannot has written.
func failedOf(q url.Values) string {
	if ch := q.Get("failed"); ch == wire.ChannelJSAPI || ch == wire.ChannelH5 {
		return ch
	}
	return ""
}

// pageOf is the address of an order's checkout page, in the language of the query and with its way back.
func (s *Server) pageOf(o pay.Order, m pay.Merchant, q url.Values) url.URL {
	u, _ := url.Parse(s.PublicURL) // checked at the start
	page := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/checkout/" + string(o.Token)}
	query := url.Values{}
	if lang := q.Get("lang"); lang != "" && len(lang) <= 35 { // as long as a tag may be, by RFC 5646
		query.Set("lang", lang)
	}
	if back := backOf(q, o, m); back != "" {
		query.Set("back", back)
	}
	page.RawQuery = query.Encode()
	return page
}

// backMax bounds an address that a page may name, in bytes: WeChat Pay carries it along in one of its own.
const backMax = 1024

// backOf is the shop's page that the loader says the customer is on, if it is one of the merchant's: nobody else is
// led to.
func backOf(q url.Values, o pay.Order, m pay.Merchant) string {
	back := q.Get("back")
	u, err := url.Parse(back)
	if err != nil || len(back) > backMax || !m.Allows(u.Scheme+"://"+u.Host) {
		return ""
	}
	return withOrder(back, o)
}

// withOrder names the order in an address that asks for it, as return_url may: browsers escape braces in a path.
func withOrder(address string, o pay.Order) string {
	return strings.NewReplacer("{ORDER_ID}", string(o.ID), "%7BORDER_ID%7D", string(o.ID)).Replace(address)
}

// leave redirects, and lets the next page know our origin.
func leave(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "strict-origin")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// isPrefetch reports whether the browser only guesses that the customer will follow the link.
func isPrefetch(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Sec-Purpose")+r.Header.Get("Purpose"), "prefetch")
}
