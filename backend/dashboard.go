package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/oklog/ulid/v2"

	"saoma/backend/pay"
	"saoma/backend/server"
	"saoma/backend/server/dashboard"
)

// newDashboard connects the staff's pages. The server tells it the addresses of browsers.
func (s *service) newDashboard(c config, h *server.Server) *dashboard.Dashboard {
	return &dashboard.Dashboard{
		Cashier: s.cashier, BackOffice: newBackOffice(s.cashier), Figures: &pay.Figures{Store: s.cashier.Store, Now: s.cashier.Now}, Hub: s.hub, PublicURL: c.PublicURL, Log: s.log,
		Address: h.RemoteIP, Doctor: s.examineShop,
	}
}

// examineWhole is how long somebody in front of a page waits for all checks: less than the server gives an answer.
const examineWhole = 45 * time.Second

// examineShop is [service.settingsCheck], within a time.
func (s *service) examineShop(ctx context.Context, m pay.MerchantID) []pay.Check {
	ctx, cancel := context.WithTimeout(ctx, examineWhole)
	defer cancel()
	return s.settingsCheck(ctx, m)
}

// newBackOffice looks after the staff in the cashier's books, by its clock.
func newBackOffice(c *pay.Cashier) *pay.BackOffice {
	return &pay.BackOffice{
		Store: c.Store, Passwords: dashboard.NewArgon2id(), Now: c.Now,
		NewName:  func() string { return ulid.Make().String() },
		NewToken: func() pay.Token { return pay.Token(rand.Text() + rand.Text()) },
	}
}

// demoStaff are the demo's, one of each role.
var demoStaff = map[string]pay.Role{"owner": pay.RoleOwner, "cashier": pay.RoleCashier, "accountant": pay.RoleAccountant}

// invite sees to it that the demo has its staff, and returns the one password of today.
func (d *demo) invite(ctx context.Context) (password string, err error) {
	office := newBackOffice(d.service.cashier)
	by := pay.Actor{Name: "saoma", Merchant: demoMerchant}
	password = dashboard.NewPassword()
	old, err := office.Staff(ctx, demoMerchant)
	if err != nil {
		return "", err
	}
	for _, s := range old {
		if _, ours := demoStaff[s.Name]; ours {
			if err := office.RemoveStaff(ctx, s.ID, by); err != nil {
				return "", err
			}
		}
	}
	for name, role := range demoStaff {
		if _, err := office.AddStaff(ctx, pay.NewStaff{Merchant: demoMerchant, Name: name, Role: role, Password: password}, by); err != nil {
			return "", err
		}
	}
	return password, nil
}
