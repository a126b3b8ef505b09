package server

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wire"
)

// A newCheckout is the body of POST /v1/checkouts. It cannot name an amount: the key in it is public.
type newCheckout struct {
	Key       string            `json:"key" minLength:"1" maxLength:"128" doc:"The merchant's publishable key"`
	Items     []line            `json:"items" minItems:"1" maxItems:"100" nullable:"false"`
	Reference string            `json:"reference,omitempty" maxLength:"64"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	ReturnURL string            `json:"return_url,omitempty" maxLength:"2048"`
}

type checkoutAnswer struct {
	Body struct {
		Token       string     `json:"token"`
		CheckoutURL string     `json:"checkout_url"`
		Order       wire.Order `json:"order"`
	}
}

// createCheckout makes the order, if this browser may and has not made too many.
func (s *Server) createCheckout(ctx context.Context, in *struct {
	Origin  string `header:"Origin" doc:"Set by the browser; must be one of the merchant's"`
	Key     string `header:"Idempotency-Key" maxLength:"255"`
	Lang    string `query:"lang" doc:"The language of a problem's message; without it what Accept-Language says"` // see langOf
	Body    newCheckout
	RawBody []byte
}) (*checkoutAnswer, error) {
	origin, key, b := in.Origin, in.Key, in.Body
	m, ok := s.Cashier.Merchants.ByPublishableKey(b.Key)
	if !ok {
		return nil, s.unauthorized(ctx, "no merchant has this publishable key", problemField{"key", "must be a merchant's publishable key"})
	}
	if origin == "" {
		return nil, &problem{Status: http.StatusForbidden, Code: "origin_not_allowed",
			Detail: "this call is for browsers, which send an Origin; servers use POST /v1/orders"}
	}
	if err := s.checkOrigin(m, origin); err != nil {
		return nil, err
	}
	c, _ := ctx.Value(callerKey{}).(caller)
	if err := s.limit(ctx, limitCheckouts, string(m.ID)+" "+c.address, cmp.Or(m.Limits.Checkouts, pay.CheckoutsDefault)); err != nil {
		return nil, err
	}
	// A browser's key counts among browsers only: it must not collide with one of the shop's server.
	if key != "" {
		key = "browser " + key
	}
	return once(ctx, s, m.ID, key, in.RawBody, func(ctx context.Context, o pay.Once) (*checkoutAnswer, error) {
		return s.openCheckout(ctx, m, b, o)
	})
}

func (s *Server) openCheckout(ctx context.Context, m pay.Merchant, b newCheckout, once pay.Once) (*checkoutAnswer, error) {
	o, err := s.Cashier.CreateOrder(ctx, pay.NewOrder{
		Merchant:    m.ID,
		Lines:       lines(b.Items),
		Reference:   b.Reference,
		Metadata:    b.Metadata,
		ReturnURL:   b.ReturnURL,
		FromBrowser: true,
		Once:        once,
	})
	if pay.CodeOf(err) == pay.Unavailable {
		// The order is kept and the sweep goes on asking: the page shows that, and then the code.
		s.Log.Warn("no code yet", "merchant", m.ID, "order", o.ID, "request", requestID(ctx), "error", err)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	out := &checkoutAnswer{}
	out.Body.Order = s.view(o)
	out.Body.Token, out.Body.CheckoutURL = out.Body.Order.Token, out.Body.Order.CheckoutURL
	return out, nil
}

type checkoutToken struct {
	Token  string `path:"token" maxLength:"64"`
	Origin string `header:"Origin"`
}

type viewAnswer struct {
	CacheControl string `header:"Cache-Control"`
	Body         wire.Order
}

func (s *Server) readCheckout(ctx context.Context, in *struct {
	Token  string `path:"token" maxLength:"64"`
	Origin string `header:"Origin"`
	After  int64  `query:"after" minimum:"0" doc:"Wait until the version is higher than this"`
	Wait   int    `query:"wait" minimum:"0" maximum:"25" doc:"Seconds to wait at most"`
}) (*viewAnswer, error) {
	o, _, err := s.orderOfToken(ctx, in.Token, in.Origin)
	if err != nil {
		return nil, err
	}
	if in.Wait > 0 {
		o, err = s.newer(ctx, o, in.After, min(time.Duration(in.Wait)*time.Second, pollWaitMax))
	}
	if err != nil {
		return nil, err
	}
	return &viewAnswer{"no-store", s.view(o)}, nil
}

// newer waits until the order's version is above after, or the time is over, and returns it as it then is.
func (s *Server) newer(ctx context.Context, o pay.Order, after int64, wait time.Duration) (pay.Order, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		// Watched before it is read again: a change in between wakes us.
		changed, stop := s.Hub.Watch(string(o.ID))
		s.joined(ctx)
		fresh, err := s.Cashier.Find(ctx, o.Token)
		if err != nil || fresh.Version > after {
			stop()
			return fresh, err
		}
		select {
		case <-changed:
		case <-timer.C:
			stop()
			return fresh, nil
		case <-s.Draining:
			stop()
			return fresh, nil
		case <-ctx.Done():
			stop()
			return fresh, ctx.Err()
		}
		stop()
	}
}

func (s *Server) cancelCheckout(ctx context.Context, in *checkoutToken) (*viewAnswer, error) {
	o, _, err := s.actOnToken(ctx, in)
	if err != nil {
		return nil, err
	}
	if o, err = s.Cashier.Cancel(ctx, o.ID); err != nil {
		return nil, err
	}
	return &viewAnswer{"no-store", s.view(o)}, nil
}

func (s *Server) renewCheckout(ctx context.Context, in *checkoutToken) (*viewAnswer, error) {
	o, _, err := s.actOnToken(ctx, in)
	if err != nil {
		return nil, err
	}
	o, err = s.Cashier.Renew(ctx, o.ID)
	if pay.CodeOf(err) == pay.Unavailable && o.ID != "" {
		s.Log.Warn("no new code yet", "order", o.ID, "request", requestID(ctx), "error", err)
		err = nil // the sweep goes on asking; the page sees the code when it comes
	}
	if err != nil {
		return nil, err
	}
	return &viewAnswer{"no-store", s.view(o)}, nil
}

// checkCheckout is the customer's "I have paid". WeChat Pay in trouble is no trouble of the customer's: the order is
// answered as it stands, and the sweep goes on asking.
func (s *Server) checkCheckout(ctx context.Context, in *checkoutToken) (*viewAnswer, error) {
	o, _, err := s.actOnToken(ctx, in)
	if err != nil {
		return nil, err
	}
	o, err = s.Cashier.Check(ctx, o.ID)
	if pay.CodeOf(err) == pay.Unavailable && o.ID != "" {
		s.Log.Warn("no answer about a payment", "order", o.ID, "request", requestID(ctx), "error", err)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return &viewAnswer{"no-store", s.view(o)}, nil
}

// orderOfToken finds the order that a browser holds the token of, and its merchant.
func (s *Server) orderOfToken(ctx context.Context, token, origin string) (pay.Order, pay.Merchant, error) {
	o, err := s.Cashier.Find(ctx, pay.Token(token))
	if err != nil {
		return pay.Order{}, pay.Merchant{}, err
	}
	m, ok := s.Cashier.Merchants.ByID(o.Merchant)
	if !ok {
		// The operator has been told: see pay.Cashier.Stranded.
		return pay.Order{}, pay.Merchant{}, &problem{Status: http.StatusServiceUnavailable, Code: string(pay.Unavailable),
			Detail: "this merchant takes no payments at the moment"}
	}
	return o, m, s.checkOrigin(m, origin)
}

// actOnToken is orderOfToken for what a browser does to an order: not any number of times.
func (s *Server) actOnToken(ctx context.Context, in *checkoutToken) (o pay.Order, m pay.Merchant, err error) {
	if o, m, err = s.orderOfToken(ctx, in.Token, in.Origin); err != nil {
		return o, m, err
	}
	return o, m, s.limit(ctx, limitActions, string(o.ID), actionsMax)
}

// checkoutPage serves the page with the QR code, painted, framed by the shop's page or alone.
func (s *Server) checkoutPage(w http.ResponseWriter, r *http.Request) {
	o, m, err := s.orderOfToken(r.Context(), r.PathValue("token"), "")
	if err != nil {
		s.pageProblem(w, r, err)
		return
	}
	q := r.URL.Query()
	device := deviceOf(r.UserAgent())
	if q.Get("mode") == "kiosk" {
		device = wire.DeviceDesktop // never the customer's own phone, though it may be a tablet that calls itself mobile
	}
	p := wire.Page{
		Now:     s.Cashier.Now(),
		Payee:   m.Name,
		Lang:    langOf(r),
		Order:   s.view(o),
		Origins: m.Origins,
		Device:  device, Channels: channels(m, device), Failed: failedOf(q), Back: backOf(q, o, m),
	}
	if p.Bridge, err = s.bridge(r.Context(), o, device); err != nil {
		s.pageProblem(w, r, err)
		return
	}
	page, styles, err := s.pages.render(p, optionsOf(q, m))
	if err != nil {
		s.pageProblem(w, r, err)
		return
	}
	s.pages.setHeaders(w.Header(), styles, m.Origins, r.Host)
	s.pages.send(w, r, page)
	if s.Shown != nil {
		s.Shown(o)
	}
}
