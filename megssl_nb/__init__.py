"""Self-supervised learning on MEG, EEG, ECoG and fMRI time series: any recording, any encoder, any pretext task, any protocol.

recordings   prepare, Store, PrepareConfig, open_source
windows      make_windows, WindowConfig, make_split, SplitConfig
encoders     Encoder, build_encoder, load_encoder, encoder_config
pretraining  build_stage, show, plot_shown, pretrain, PretrainConfig, load_stage
evaluation   evaluate, EvaluateConfig, baselines
studies      plan, ablate, report
"""
__version__ = "0.1.0"

_home = {"prepare": "store.store", "Store": "store.store", "PrepareConfig": "store.preprocess", "open_source": "sources.raw",
         "make_windows": "windows.cut", "WindowConfig": "windows.cut", "make_split": "windows.splits", "SplitConfig": "windows.splits",
         "Encoder": "models.encoder", "build_encoder": "models.encoder", "load_encoder": "models.encoder",
         "encoder_config": "models.encoder", "build_stage": "pretext.stages", "show": "pretext.base", "plot_shown": "pretext.base",
         "pretrain": "train.pretrain", "PretrainConfig": "train.pretrain", "load_stage": "train.pretrain",
         "evaluate": "evaluation.evaluate", "EvaluateConfig": "evaluation.evaluate", "baselines": "evaluation.baselines",
         "plan": "studies.plan", "ablate": "commands.ablation", "report": "reporting.report"}
__all__ = list(_home)

def __getattr__(name):
    "Import a noun or verb of the package at its first use, so that `import megssl_nb` costs nothing."
    import sys
    if name not in _home:
        raise AttributeError(f"module 'megssl_nb' has no attribute '{name}'", name=name, obj=sys.modules[__name__])
    from importlib import import_module
    return getattr(import_module(f"megssl_nb.{_home[name]}"), name)

def __dir__():
    "The names that are loaded, and those that wait for their first use."
    return sorted({*globals(), *__all__})
