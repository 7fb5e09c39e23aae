"""The report of a quantized model and the bare graph of any model, each as one HTML page."""

from edgesdk.report.contents import FrontPoint, Report
from edgesdk.report.file import write_report
from edgesdk.report.make import report_artifact, report_quantized
from edgesdk.report.page import page
from edgesdk.report.trace import trace_model

__all__ = [
    "FrontPoint",
    "Report",
    "page",
    "report_artifact",
    "report_quantized",
    "trace_model",
    "write_report",
]
