package dashboard

import (
	"net/http"

	"saoma/backend/pay"
)

type staffView struct {
	List  []pay.Staff
	Roles []pay.Role
	Name  string // as typed, after a refusal
}

func (d *Dashboard) staffPage(q *request) error {
	list, err := d.BackOffice.Staff(q.r.Context(), q.shop.ID)
	if err != nil {
		return err
	}
	return q.render(http.StatusOK, "staff", staffView{List: list, Roles: pay.Roles(), Name: clip(q.value("name"), pay.StaffNameMax)})
}

const staffPath = Prefix + "staff"

func (d *Dashboard) addStaff(q *request) error {
	password := NewPassword()
	s, err := d.BackOffice.AddStaff(q.r.Context(), pay.NewStaff{
		Merchant: q.shop.ID, Name: q.value("name"), Role: pay.Role(q.value("role")), Password: password, Provisional: true,
	}, q.by())
	if err != nil {
		return q.refused(staffPath, err)
	}
	return q.done(staffPath, "%s can sign in with the password %s, which is shown only now and must be changed.", s.Name, password)
}

func (d *Dashboard) memberPage(q *request) error {
	s, err := d.member(q)
	if err != nil {
		return err
	}
	return q.render(http.StatusOK, "member", staffView{List: []pay.Staff{s}, Roles: pay.Roles()})
}

// member finds the one that the address names among the shop's own.
func (d *Dashboard) member(q *request) (pay.Staff, error) {
	list, err := d.BackOffice.Staff(q.r.Context(), q.shop.ID)
	if err != nil {
		return pay.Staff{}, err
	}
	for _, s := range list {
		if string(s.ID) == q.r.PathValue("id") {
			return s, nil
		}
	}
	return pay.Staff{}, errNoPage
}

// changeMember does something to a member and says so.
func (d *Dashboard) changeMember(q *request, did string, change func(pay.Staff) error) error {
	s, err := d.member(q)
	if err != nil {
		return err
	}
	if s.ID == q.staff.ID {
		return q.failed(staffPath+"/"+string(s.ID), "Not done: %s", "This is you. Another owner can do that.")
	}
	if err := change(s); err != nil {
		return q.refused(staffPath+"/"+string(s.ID), err)
	}
	return q.done(staffPath+"/"+string(s.ID), did, s.Name)
}

func (d *Dashboard) setRole(q *request) error {
	return d.changeMember(q, "%s has another role now.", func(s pay.Staff) error {
		return d.BackOffice.SetRole(q.r.Context(), s.ID, pay.Role(q.value("role")), q.by())
	})
}

func (d *Dashboard) disableMember(q *request) error {
	return d.changeMember(q, "%s cannot sign in any more.", func(s pay.Staff) error {
		return d.BackOffice.SetDisabled(q.r.Context(), s.ID, true, q.by())
	})
}

func (d *Dashboard) enableMember(q *request) error {
	return d.changeMember(q, "%s can sign in again.", func(s pay.Staff) error {
		return d.BackOffice.SetDisabled(q.r.Context(), s.ID, false, q.by())
	})
}

func (d *Dashboard) resetPassword(q *request) error {
	password := NewPassword()
	s, err := d.member(q)
	if err != nil {
		return err
	}
	if s.ID == q.staff.ID {
		return q.redirect(Prefix + "password")
	}
	if err := d.BackOffice.ResetPassword(q.r.Context(), s.ID, password, q.by()); err != nil {
		return q.refused(staffPath+"/"+string(s.ID), err)
	}
	return q.done(staffPath+"/"+string(s.ID),
		"%s can sign in with the password %s, which is shown only now and must be changed.", s.Name, password)
}

const logPage = 100 // lines

type logView struct {
	Entries []pay.StaffEntry
	Older   string
	First   bool
}

func (d *Dashboard) logPage(q *request) error {
	after := q.value("after")
	list, next, err := d.BackOffice.Entries(q.r.Context(), q.shop.ID, after, logPage)
	if err != nil {
		return err
	}
	return q.render(http.StatusOK, "log", logView{Entries: list, Older: next, First: after == ""})
}
