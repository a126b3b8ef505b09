package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// certificatesEvery is how often it is seen whether platform certificates are old.
const certificatesEvery = 30 * time.Minute

// loadConfigFor reads a file; an address of the command line takes the place of its own.
func loadConfigFor(file, listen string) (config, error) {
	c, err := loadConfig(file)
	if err == nil && listen != "" {
		c.Listen = listen
	}
	return c, err
}

// reloadFile reads the configuration again and puts it in the place of the old one. If something in it is wrong one line
// of the log says what, and the old one stays whole.
func (s *service) reloadFile(ctx context.Context, file, listen string) {
	c, err := loadConfigFor(file, listen)
	if err == nil {
		err = s.reload(c)
	}
	if err != nil {
		s.log.Error("the configuration was read again and is not taken; the old one stays", "error", err)
		return
	}
	s.log.Info("the configuration was read again", "merchants", len(c.Merchants))
	s.tellStranded(ctx)
}

// reload puts another configuration in the place of the one in use: all of it or, with an error, nothing. Requests
// under way end with what they have begun with.
func (s *service) reload(c config) error {
	if err := s.config.needsRestart(c); err != nil {
		return err
	}
	merchants, accounts, err := c.merchants()
	if err != nil {
		return err
	}
	settings, err := c.settings()
	if err != nil {
		return err
	}
	// What the merchants need comes first: whoever finds a new one must be able to sell for it.
	if err := s.sender.Replace(c.endpoints()); err != nil {
		return err
	}
	if err := s.gateway.Replace(accounts); err != nil {
		return errors.Join(err, s.sender.Replace(s.config.endpoints()))
	}
	s.cashier.Merchants.Replace(merchants)
	s.server.Apply(settings)
	s.config = c
	s.inUse.Store(&c)
	return nil
}

// needsRestart returns an error that names the first change which cannot be made while the program runs: what is bound
// to this process, and the numbers by which running orders are known at WeChat Pay.
func (c config) needsRestart(next config) error {
	for _, x := range []struct{ key, old, new string }{
		{"listen", c.Listen, next.Listen},
		{"public_url", c.PublicURL, next.PublicURL},
		{"database", c.Database, next.Database},
		{"bus", c.Bus, next.Bus},
	} {
		if x.old != x.new {
			return fmt.Errorf("%s: a change needs a restart", x.key) // without the addresses, which may hold passwords
		}
	}
	before := make(map[string]wechatConfig, len(c.Merchants))
	for _, m := range c.Merchants {
		before[m.ID] = m.WeChat
	}
	for _, m := range next.Merchants {
		old, known := before[m.ID]
		if !known {
			continue
		}
		for _, x := range []struct{ key, old, new string }{
			{"mchid", old.MchID, m.WeChat.MchID},
			{"sub_mchid", old.SubMchID, m.WeChat.SubMchID},
			{"appid", old.AppID, m.WeChat.AppID},
			{"sub_appid", old.SubAppID, m.WeChat.SubAppID},
		} {
			if x.old != x.new {
				return fmt.Errorf("merchant %q: %s: %q instead of %q needs a restart when no order is running, "+
					"or a [[merchant]] of its own", m.ID, x.key, x.new, x.old)
			}
		}
	}
	return nil
}

// tellStranded logs what nobody looks after, for want of its merchant in the configuration.
func (s *service) tellStranded(ctx context.Context) {
	stranded, err := s.cashier.Stranded(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Error("look for what is stranded", "error", err)
	}
	for _, u := range stranded {
		s.log.Error("orders are stranded: their merchant or its WeChat Pay account is not in the configuration; they go on "+
			"when it is back, and until then callbacks are refused and nobody asks whether they were paid",
			"merchant", u.Merchant, "mchid", u.MchID, "sub_mchid", u.SubMchID, "under_way", u.Count)
	}
}

// keepCertificates fetches platform certificates at the start and whenever they are old, until ctx ends.
func (s *service) keepCertificates(ctx context.Context) {
	tick := time.NewTicker(certificatesEvery)
	defer tick.Stop()
	for {
		if err := s.gateway.RefreshCertificates(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("refresh", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
