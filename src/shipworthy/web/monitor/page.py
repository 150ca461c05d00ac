"""x"""

from shipworthy.flows.monitor.told import MonitorReport


def page(report: MonitorReport) -> str:
    return ""
