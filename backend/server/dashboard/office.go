package dashboard

import "saoma/backend/pay"

// officeRoutes are what is behind the counter: the catalogue, the bookkeeping, and how the shop's programs are connected.
func (d *Dashboard) officeRoutes() []route {
	return []route{
		{"GET products", pay.SeeProducts, d.productsPage},
		{"GET products/~new", pay.EditProducts, d.newProductPage},
		{"POST products", pay.EditProducts, d.addProduct},
		{"GET products/{sku}", pay.EditProducts, d.productPage},
		{"POST products/{sku}", pay.EditProducts, d.editProduct},
		{"POST products/{sku}/switch", pay.EditProducts, d.switchProduct},
		{"GET products/{sku}/delete", pay.EditProducts, d.deleteProductPage},
		{"POST products/{sku}/delete", pay.EditProducts, d.deleteProduct},

		{"GET webhooks", pay.SeeWebhooks, d.deliveriesPage},
		{"POST webhooks/test", pay.SendWebhooks, d.testWebhook},
		{"POST webhooks/enable", pay.SendWebhooks, d.enableWebhooks},
		{"GET webhooks/resend", pay.SendWebhooks, d.resendPage},
		{"POST webhooks/resend", pay.SendWebhooks, d.resendSince},
		{"GET webhooks/{id}", pay.SeeWebhooks, d.deliveryPage},
		{"POST webhooks/{id}/resend", pay.SendWebhooks, d.resend},

		{"GET reports", pay.SeeReports, d.reportsPage},
		{"POST reports", pay.MakeReports, d.reconcile},
		{"GET reports/{day}", pay.SeeReports, d.reportPage},
		{"GET reports/{day}/csv", pay.SeeReports, d.exportReport},
		{"GET export", pay.SeeReports, d.exportLedger},

		{"GET settings", pay.SeeSettings, d.settingsPage},
		{"POST settings/check", pay.SeeSettings, d.checkSettings},

		{"GET keys", pay.ManageKeys, d.keysPage},
		{"POST keys", pay.ManageKeys, d.makeKey},
		{"GET keys/{id}", pay.ManageKeys, d.keyPage},
		{"POST keys/{id}/roll", pay.ManageKeys, d.rollKey},
		{"POST keys/{id}/revoke", pay.ManageKeys, d.revokeKey},
	}
}
