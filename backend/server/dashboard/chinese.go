package dashboard

// english are the words that English pages write otherwise than the templates.
var english = map[string]string{
	"role owner": "Owner", "role cashier": "Cashier", "role accountant": "Accountant",
	"theme auto": "Auto", "theme light": "Light", "theme dark": "Dark",
}

// chinese are the texts of the templates, by their English.
var chinese = map[string]string{
	"role owner": "店主", "role cashier": "收银员", "role accountant": "会计",
	"theme auto": "自动", "theme light": "浅色", "theme dark": "深色",

	"Skip to the content": "跳到内容",
	"Menu":                "菜单",
	"Pages":               "页面",
	"Language":            "语言",
	"Colours":             "配色",
	"Password":            "密码",
	"Sign out":            "退出登录",

	"Sign in": "登录",
	"The shop’s orders, takings and settings": "订单、收款与设置",
	"Name":                                        "账号",
	"The name or the password is wrong.":          "账号或密码不正确。",
	"Too many tries. Wait %s and try again.":      "尝试次数过多，请 %s后再试。",
	"You are signed out.":                         "已退出登录。",
	"You were signed out. Sign in and try again.": "登录已失效，请重新登录后再试。",

	"Change your password": "修改密码",
	"Somebody else chose your password. Choose one that only you know.": "当前密码由他人设置，请换成只有自己知道的密码。",
	"You are signed out everywhere else.":                               "修改后，其他设备上的登录会失效。",
	"Password until now":                                                "当前密码",
	"New password":                                                      "新密码",
	"New password, again":                                               "再次输入新密码",
	"At least %s characters":                                            "至少 %s 个字符",
	"Change the password":                                               "修改密码",
	"The new password was not typed twice the same.":                    "两次输入的新密码不一致。",
	"Your password is changed. Other browsers were signed out.":         "密码已修改，其他设备已退出登录。",
	"is not your password":                                              "当前密码不正确",
	"must be another than before":                                       "新密码不能与当前密码相同",
	"must have at least 10 characters":                                  "密码至少 10 个字符",
	"is too easy to guess":                                              "密码太容易被猜到",
	"Not done: %s":                                                      "操作未完成：%s",

	"Not found":            "找不到页面",
	"Not permitted":        "没有权限",
	"Form out of date":     "页面已过期",
	"Something went wrong": "出了点问题",
	"There is nothing here, or not for your shop.":                     "这里没有内容，或不属于您的店铺。",
	"Your role does not permit this. Ask the owner.":                   "您的角色没有此权限，请联系店主。",
	"Nothing was changed. Go back, load the page again and repeat it.": "没有做任何更改。请返回并刷新页面后重试。",
	"It is not your fault. Try again in a moment.":                     "请稍后再试。",
	"To the start": "返回首页",
	"One moment":   "请稍候",
	"Go on":        "继续",
}
