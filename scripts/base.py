"""Gives the template database's company the Brazilian chart, once for all its copies."""

company = env.company
company.country_id = env.ref("base.br")
if company.chart_template != "br":
    env["account.chart.template"].try_loading("br", company, install_demo=False)
env.cr.commit()
# Without statistics PostgreSQL picks nested loops that take minutes on the chart's accounts.
env.cr.execute("ANALYZE")
env.cr.commit()
